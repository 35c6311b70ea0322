//! One score beside everything that was published for its model.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Generation, Interval, Judgement, Published, PublishedCell, PublishedError, judge};
use crate::metrics::Metric;
use crate::record::MetricValue;
use crate::suggest::closest;

/// A published number, and what ours is beside it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Against {
    /// The sources that print it.
    pub sources: Vec<String>,
    /// The generation of recipes that it is of.
    pub generation: Generation,
    /// The metric, under our name.
    pub metric: String,
    /// The number in percent, as printed.
    pub published: String,
    /// How the published checkpoint was chosen, in words.
    pub selection: String,
    /// How ours compares.
    #[serde(flatten)]
    pub judgement: Judgement,
}

impl Published {
    /// Sets the metrics of a score beside all that was published for `model` on `task`. Sources that print
    /// the same number for the same generation share an entry. `margin` is in points.
    ///
    /// # Errors
    /// [`PublishedError::UnknownModel`] when nothing at all was published for a model of this name.
    pub fn against(
        &self,
        model: &str,
        task: &str,
        metrics: &BTreeMap<String, MetricValue>,
        margin: f64,
    ) -> Result<Vec<Against>, PublishedError> {
        if !self.cells().iter().any(|cell| cell.model == model) {
            return Err(self.unknown_model(model));
        }
        let mut all: Vec<Against> = Vec::new();
        for cell in self.cells().iter().filter(|cell| cell.model == model && cell.task == task) {
            let Some(against) = self.beside(cell, metrics, margin) else { continue };
            let same = |known: &&mut Against| {
                known.metric == against.metric
                    && known.published == against.published
                    && known.generation == against.generation
            };
            match all.iter_mut().find(same) {
                Some(known) => known.sources.extend(against.sources),
                None => all.push(against),
            }
        }
        Ok(all)
    }

    fn beside(
        &self,
        cell: &PublishedCell,
        metrics: &BTreeMap<String, MetricValue>,
        margin: f64,
    ) -> Option<Against> {
        let metric = Metric::named(&cell.metric).filter(|metric| metric.is_fraction())?;
        let (ours, points) = (metrics.get(metric.name())?, cell.points()?);
        let interval = Interval::in_points(ours);
        Some(Against {
            sources: vec![cell.source.clone()],
            generation: cell.generation,
            metric: cell.metric.clone(),
            published: cell.text(),
            selection: self.selection_text(&cell.selection).unwrap_or(&cell.selection).to_owned(),
            judgement: Judgement {
                verdict: judge(interval, points, margin),
                difference_points: interval.value - points,
            },
        })
    }

    fn unknown_model(&self, name: &str) -> PublishedError {
        let mut known: Vec<&str> = self.cells().iter().map(|cell| cell.model.as_str()).collect();
        known.sort_unstable();
        known.dedup();
        PublishedError::UnknownModel {
            name: name.to_owned(),
            closest: closest(name, known.iter().copied()).map(str::to_owned),
            known: known.join(", "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::published::{MARGIN_POINTS, Verdict};

    fn metric(value: f64) -> MetricValue {
        MetricValue {
            value,
            ci_low: value - 0.01,
            ci_high: value + 0.01,
            n: 5774,
            method: "bootstrap".into(),
            resamples: None,
            clusters: None,
            seeds: None,
        }
    }

    #[test]
    fn equal_numbers_of_several_sources_are_one() {
        let published = Published::load().expect("loads");
        let metrics = [("exact_match", 0.602_528), ("char_f1", 0.8)]
            .map(|(name, value)| (name.to_owned(), metric(value)));
        let all = published
            .against("kcbert-base", "korquad", &metrics.into(), MARGIN_POINTS)
            .expect("published");
        let of = |name: &str| all.iter().filter(|a| a.metric == name).collect::<Vec<_>>();
        let [exact] = of("exact_match")[..] else { panic!("{all:?}") };
        assert_eq!(
            (exact.published.as_str(), exact.judgement.verdict),
            ("60.25", Verdict::Identical)
        );
        assert!(exact.sources.len() > 1 && exact.generation == Generation::A, "{exact:?}");
        assert_eq!(of("char_f1")[0].judgement.verdict, Verdict::Below);
    }

    #[test]
    fn a_model_of_which_nothing_is_published_is_an_error() {
        let published = Published::load().expect("loads");
        let error = published.against("kcbert-bas", "korquad", &BTreeMap::new(), 0.5);
        let error = error.expect_err("unknown").to_string();
        assert!(error.starts_with("nothing is published for a model `kcbert-bas`; "), "{error}");
        let none = published.against("kcbert-base", "klue_ner", &BTreeMap::new(), 0.5);
        assert_eq!(none.expect("known").len(), 0);
    }
}
