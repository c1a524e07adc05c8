//! A linear axis: where a value lies, and which values are worth a tick.

/// Maps `low..=high` to `from..=to`.
#[derive(Clone, Copy)]
pub(crate) struct Axis {
    pub(crate) low: f64,
    pub(crate) high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    pub(crate) fn new(low: f64, high: f64, from: f64, to: f64) -> Self {
        // A single value still needs a length to lie on.
        let high = if high > low { high } else { low + 1.0 };
        Self { low, high, from, to }
    }

    pub(crate) fn at(&self, value: f64) -> f64 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        self.from + share * (self.to - self.from)
    }

    /// Round values on the axis, about `wanted` of them, with the decimals that tell them apart.
    pub(crate) fn ticks(&self, wanted: usize) -> Vec<(f64, String)> {
        let span = self.high - self.low;
        let rough = span / wanted.max(1) as f64;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .map(|m| m * power)
            .into_iter()
            .find(|s| *s >= rough * 0.999)
            .unwrap_or(rough);
        let decimals = (-(step.log10() + 1e-9).floor()).clamp(0.0, 6.0) as usize;
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        (first..=last)
            .map(|tick| (tick as f64 * step, format!("{:.decimals$}", tick as f64 * step)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64, wanted: usize) -> Vec<String> {
        Axis::new(low, high, 0.0, 1.0).ticks(wanted).into_iter().map(|tick| tick.1).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(0.0, 1.0, 5), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(0.5, 1.0, 5), ["0.5", "0.6", "0.7", "0.8", "0.9", "1.0"]);
        assert_eq!(labels(0.0, 2.0, 2), ["0", "1", "2"]);
        assert_eq!(labels(0.0, 4500.0, 4), ["0", "2000", "4000"]);
        assert_eq!(labels(0.93, 0.96, 3), ["0.93", "0.94", "0.95", "0.96"]);
    }

    #[test]
    fn values_outside_stay_on_the_axis() {
        let axis = Axis::new(0.0, 1.0, 10.0, 20.0);
        assert_eq!((axis.at(0.5), axis.at(-3.0), axis.at(7.0)), (15.0, 10.0, 20.0));
    }
}
