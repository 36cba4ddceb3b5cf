//! Medians and what lies around them.

use std::time::Duration;

/// The middle of some figures, and the middle half.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Spread {
    /// Of figures in any order.
    pub(crate) fn of(figures: &[f64]) -> Self {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        Self { median: at(&sorted, 0.5), low: at(&sorted, 0.25), high: at(&sorted, 0.75) }
    }
}

/// The value below which a part of sorted figures lies, between two of them where it falls between.
fn at(sorted: &[f64], part: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = part * last as f64;
    let below = sorted.get(place.floor() as usize).copied().unwrap_or_default();
    let above = sorted.get(place.ceil() as usize).copied().unwrap_or_default();
    below + (above - below) * place.fract()
}

/// Percentiles of latencies: p50, p99 and p99.9.
pub(crate) fn percentiles(latencies: &[Duration]) -> [Duration; 3] {
    let mut sorted: Vec<_> = latencies.iter().map(Duration::as_secs_f64).collect();
    sorted.sort_by(f64::total_cmp);
    [0.5, 0.99, 0.999].map(|part| Duration::from_secs_f64(at(&sorted, part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_figures_is_found_in_any_order() {
        let spread = Spread::of(&[9.0, 1.0, 5.0, 3.0, 7.0]);
        assert_eq!(spread, Spread { median: 5.0, low: 3.0, high: 7.0 });
        assert_eq!(Spread::of(&[1.0, 2.0]).median, 1.5);
        assert_eq!(Spread::of(&[]), Spread::default());
    }

    #[test]
    fn one_slow_request_in_a_hundred_is_beyond_the_99th_percentile() {
        let mut latencies = vec![Duration::from_millis(1); 990];
        latencies.extend([Duration::from_millis(50); 10]);
        let [p50, p99, p999] = percentiles(&latencies);
        assert_eq!(p50, Duration::from_millis(1));
        assert!(p99 < Duration::from_millis(2), "{p99:?}");
        assert_eq!(p999, Duration::from_millis(50));
    }
}
