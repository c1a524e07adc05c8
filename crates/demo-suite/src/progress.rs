//! How far a stage is: a bar with rate and time left on a terminal, plain lines elsewhere.
//!
//! Pieces are counted as they are, while bar and time left go by their costs: the costliest come first, and
//! by pieces alone a run of minutes would seem to take hours.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Time between two plain lines.
const PLAIN_INTERVAL: Duration = Duration::from_secs(15);

/// The bar counts these per unit of cost, so that a long piece moves it too.
const UNITS: f64 = 1000.0;

/// One stage's progress.
#[derive(Debug)]
pub(crate) struct Progress {
    stage: &'static str,
    bar: Option<ProgressBar>,
    state: Mutex<State>,
    total: Amount,
    /// What an earlier run had finished.
    before: Amount,
    started: Instant,
}

/// So much work.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Amount {
    pieces: f64,
    cost: f64,
}

impl Amount {
    fn add(&mut self, pieces: f64, cost: f64) {
        self.pieces += pieces;
        self.cost += cost;
    }

    fn units(self) -> u64 {
        (self.cost * UNITS).round() as u64
    }
}

#[derive(Debug)]
struct State {
    done: Amount,
    last_line: Instant,
}

impl Progress {
    /// A stage of pieces with these costs, some of which were finished before this run began.
    pub(crate) fn start(stage: &'static str, pieces: impl Iterator<Item = (u64, bool)>) -> Self {
        let (mut total, mut before) = (Amount::default(), Amount::default());
        for (cost, finished) in pieces {
            total.add(1.0, cost as f64);
            if finished {
                before.add(1.0, cost as f64);
            }
        }
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(total.units()), ProgressDrawTarget::stderr());
            let template = "{prefix:<9} {bar:32} {percent:>3}%  {msg}  left {eta}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_prefix(stage);
            bar.set_position(before.units());
            bar.reset_eta();
            bar.enable_steady_tick(Duration::from_millis(500));
            bar
        });
        if bar.is_none() {
            eprintln!("{stage}: {} to do, {} done before", total.pieces - before.pieces, before.pieces);
        }
        let started = Instant::now();
        let state = Mutex::new(State { done: before, last_line: started });
        Self { stage, bar, state, total, before, started }
    }

    /// The same for a number of pieces that are alike.
    pub(crate) fn alike(stage: &'static str, pieces: usize) -> Self {
        Self::start(stage, std::iter::repeat_n((1, false), pieces))
    }

    /// Moves on by so many pieces, or parts of them, and what they cost.
    pub(crate) fn advance(&self, pieces: f64, cost: f64) {
        let Ok(mut state) = self.state.lock() else { return };
        state.done.add(pieces, cost);
        if let Some(bar) = &self.bar {
            bar.set_position(state.done.units().min(self.total.units()));
            bar.set_message(format!("{:.2}/min", self.pieces_a_minute(state.done)));
        } else if state.last_line.elapsed() >= PLAIN_INTERVAL {
            state.last_line = Instant::now();
            eprintln!("{}", self.line(state.done));
        }
    }

    /// What a plain line says when so much is done.
    fn line(&self, done: Amount) -> String {
        let (stage, total) = (self.stage, self.total.pieces);
        let rate = self.pieces_a_minute(done);
        let left = self.minutes_left(done, self.minutes());
        format!("{stage}: {:.1} of {total} done, {rate:.2} a minute, {left:.1} minutes left", done.pieces)
    }

    /// What is left by cost, at the rate of this run so far, which has taken so many minutes.
    fn minutes_left(&self, done: Amount, minutes: f64) -> f64 {
        let here = done.cost - self.before.cost;
        ((self.total.cost - done.cost) * minutes / here.max(1e-9)).max(0.0)
    }

    fn pieces_a_minute(&self, done: Amount) -> f64 {
        (done.pieces - self.before.pieces) / self.minutes()
    }

    /// Since the stage began.
    fn minutes(&self) -> f64 {
        self.started.elapsed().as_secs_f64().max(1e-3) / 60.0
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
        let seconds = self.started.elapsed().as_secs_f64();
        match &self.bar {
            Some(bar) => bar.finish_with_message(format!("{seconds:.0} s")),
            None => eprintln!("{}: done in {seconds:.1} s", self.stage),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_goes_by_cost_and_leaves_out_what_was_done_before() {
        let progress = Progress::start("train", [(600, false), (100, false), (100, true)].into_iter());
        progress.advance(0.5, 300.0);
        progress.advance(0.5, 300.0);
        let done = progress.state.lock().unwrap().done;
        assert_eq!(done, Amount { pieces: 2.0, cost: 700.0 });
        // A seventh of what this run has to do is left; by pieces it would be half.
        assert!((progress.minutes_left(done, 6.0) - 1.0).abs() < 1e-9);
        assert!(progress.line(done).starts_with("train: 2.0 of 3 done, "), "{}", progress.line(done));
    }
}
