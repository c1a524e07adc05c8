//! How far a long command is, on standard error: a line that renews itself on a terminal, one now and then elsewhere.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// What takes less than this is not spoken of.
const PATIENCE: Duration = Duration::from_secs(2);
/// Time between two lines where nobody watches.
const INTERVAL: Duration = Duration::from_secs(15);

/// The progress of one pass over sequences.
pub(crate) struct Progress {
    what: &'static str,
    bases: u64,
    started: Instant,
    told: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(crate) fn new(what: &'static str) -> Self {
        let now = Instant::now();
        Self { what, bases: 0, started: now, told: now, bar: None }
    }

    /// So many more bases are done.
    pub(crate) fn advance(&mut self, bases: usize) {
        self.bases += bases as u64;
        let (what, megabases) = (self.what, self.bases as f64 / 1e6);
        let rate = megabases / self.started.elapsed().as_secs_f64().max(1e-9);
        if std::io::stderr().is_terminal() {
            if self.bar.is_none() && self.started.elapsed() > PATIENCE {
                let bar = ProgressBar::new_spinner();
                bar.set_style(ProgressStyle::default_spinner());
                bar.enable_steady_tick(Duration::from_millis(250));
                self.bar = Some(bar);
            }
            if let Some(bar) = &self.bar {
                bar.set_message(format!("{what}: {megabases:.0} Mb, {rate:.1} Mb/s"));
            }
        } else if self.told.elapsed() > INTERVAL {
            self.told = Instant::now();
            eprintln!("{what}: {megabases:.0} Mb, {rate:.1} Mb/s");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
