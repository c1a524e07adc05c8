//! How far a stage is: a bar with rate and time left on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Time between two plain lines.
const PLAIN_INTERVAL: Duration = Duration::from_secs(15);

/// One stage's progress, in thousandths of a piece of work so that a long piece moves the bar too.
#[derive(Debug)]
pub(crate) struct Progress {
    stage: &'static str,
    bar: Option<ProgressBar>,
    plain: Mutex<Plain>,
    total: u64,
}

#[derive(Debug)]
struct Plain {
    done: u64,
    at_start: u64,
    started: Instant,
    last_line: Instant,
}

/// The bar counts these per piece of work.
const UNITS: u64 = 1000;

impl Progress {
    /// A stage of `total` pieces, `done` of which were finished before this run began.
    pub(crate) fn start(stage: &'static str, total: usize, done: usize) -> Self {
        let (total, done) = (total as u64 * UNITS, done as u64 * UNITS);
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            let template = "{prefix:<9} {bar:32} {percent:>3}%  {msg}  left {eta}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_prefix(stage);
            bar.set_position(done);
            bar.reset_eta();
            bar.enable_steady_tick(Duration::from_millis(500));
            bar
        });
        if bar.is_none() {
            let count = (total - done) / UNITS;
            eprintln!("{stage}: {count} to do, {} done before", done / UNITS);
        }
        let now = Instant::now();
        let plain = Mutex::new(Plain { done, at_start: done, started: now, last_line: now });
        Self { stage, bar, plain, total }
    }

    /// Moves on by a fraction of a piece; callers' fractions of one piece add up to 1.
    pub(crate) fn advance(&self, fraction: f64) {
        let units = (fraction * UNITS as f64).round() as u64;
        if let Some(bar) = &self.bar {
            bar.inc(units);
        }
        let Ok(mut plain) = self.plain.lock() else { return };
        plain.done = (plain.done + units).min(self.total);
        let rate = Self::rate(&plain);
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{rate:.2}/min"));
        } else if plain.last_line.elapsed() >= PLAIN_INTERVAL {
            plain.last_line = Instant::now();
            let left = (self.total - plain.done) as f64 / UNITS as f64 / rate.max(1e-9);
            eprintln!(
                "{}: {:.1} of {} done, {rate:.2} a minute, {left:.1} minutes left",
                self.stage,
                plain.done as f64 / UNITS as f64,
                self.total / UNITS,
            );
        }
    }

    /// Prints a line without tearing the bar.
    pub(crate) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => eprintln!("{line}"),
        }
    }

    /// Ends the stage.
    pub(crate) fn finish(self) {
        let seconds = self.plain.lock().map_or(0.0, |plain| plain.started.elapsed().as_secs_f64());
        match &self.bar {
            Some(bar) => bar.finish_with_message(format!("{seconds:.0} s")),
            None => eprintln!("{}: done in {seconds:.1} s", self.stage),
        }
    }

    /// Pieces a minute since the stage began.
    fn rate(plain: &Plain) -> f64 {
        let pieces = (plain.done - plain.at_start) as f64 / UNITS as f64;
        pieces * 60.0 / plain.started.elapsed().as_secs_f64().max(1e-3)
    }
}
