//! From samples to what a table shows.

/// Rounds of one measurement.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// Takes one round's value.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The middle value; the lower one of two.
    ///
    /// # Panics
    /// When no round was measured.
    pub fn median(&self) -> f64 {
        quantile(&self.sorted(), 0.5)
    }

    /// The smallest and the largest value.
    ///
    /// # Panics
    /// When no round was measured.
    pub fn spread(&self) -> (f64, f64) {
        let sorted = self.sorted();
        (quantile(&sorted, 0.0), quantile(&sorted, 1.0))
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

/// The value below which this share of the sorted values lies.
///
/// # Panics
/// When there are none.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    assert!(!sorted.is_empty(), "at least one round was measured");
    let place = ((sorted.len() - 1) as f64 * share).floor() as usize;
    sorted[place]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_and_the_spread_its_ends() {
        let mut samples = Samples::default();
        [3.0, 1.0, 2.0].into_iter().for_each(|value| samples.push(value));
        assert_eq!((samples.median(), samples.spread()), (2.0, (1.0, 3.0)));
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.99), 3.0);
    }
}
