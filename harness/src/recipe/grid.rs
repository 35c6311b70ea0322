//! Several values of settings: every combination of them, or some drawn at random.

use super::label::commas;
use super::set::{apply, split};
use super::{Override, RecipeError, Settings};
use crate::stats::Random;

/// The stream of random search, apart from those of resampling.
const STREAM: u64 = 0x6772_6964;

/// Keys with the values that each can have.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Grid {
    axes: Vec<Axis>,
}

#[derive(Debug, Clone, PartialEq)]
struct Axis {
    key: String,
    values: Values,
}

#[derive(Debug, Clone, PartialEq)]
enum Values {
    List(Vec<Override>),
    Range(Range),
}

/// Numbers from `low` to `high`.
#[derive(Debug, Clone, PartialEq)]
struct Range {
    low: f64,
    high: f64,
    scale: Scale,
    whole: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Uniform,
    Log,
}

/// One point of a grid.
pub type Point = Vec<Override>;

impl Grid {
    /// Reads `key=value[,value..]` and the ranges `key=log:1e-5..1e-3` and `key=uniform:0..0.3`. Commas within
    /// brackets belong to a value. Where both ends of a range are whole numbers, so is what is drawn.
    ///
    /// # Errors
    /// [`RecipeError::Setting`]: no `=`, no values, a key that stands twice, a range without its ends.
    pub fn parse(texts: &[String]) -> Result<Self, RecipeError> {
        let mut axes: Vec<Axis> = Vec::new();
        for text in texts {
            let (key, values) = split(text)?;
            let wrong =
                |message: &str| RecipeError::Setting { key: text.clone(), message: message.into() };
            if axes.iter().any(|axis| axis.key == key) {
                return Err(wrong("the key stands twice; give its values in one, apart by commas"));
            }
            let range = [("log:", Scale::Log), ("uniform:", Scale::Uniform)]
                .into_iter()
                .find_map(|(prefix, scale)| Some((values.strip_prefix(prefix)?, scale)));
            let values = match range {
                Some((ends, scale)) => Values::Range(Range::parse(ends, scale).map_err(wrong)?),
                None => Values::List(
                    commas(values)
                        .into_iter()
                        .map(|value| Override::new(key, value))
                        .collect::<Result<_, _>>()?,
                ),
            };
            axes.push(Axis { key: key.to_owned(), values });
        }
        Ok(Self { axes })
    }

    /// Whether there is a range, so that points can only be drawn.
    pub fn has_ranges(&self) -> bool {
        self.axes.iter().any(|axis| matches!(axis.values, Values::Range(_)))
    }

    /// The keys, in the order in which they were given.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.axes.iter().map(|axis| axis.key.as_str())
    }

    /// Every combination, the last key changing fastest; without keys the one empty point.
    ///
    /// # Errors
    /// [`RecipeError::Setting`] where there is a range.
    pub fn points(&self) -> Result<Vec<Point>, RecipeError> {
        let mut points: Vec<Point> = vec![Vec::new()];
        for axis in &self.axes {
            let Values::List(values) = &axis.values else {
                return Err(RecipeError::Setting {
                    key: axis.key.clone(),
                    message:
                        "a range has no end of values: say how many points are drawn (--trials N)"
                            .to_owned(),
                });
            };
            points = points
                .iter()
                .flat_map(|point| {
                    values.iter().map(move |value| {
                        let mut point = point.clone();
                        point.push(value.clone());
                        point
                    })
                })
                .collect();
        }
        Ok(points)
    }

    /// Points drawn at random (Bergstra and Bengio 2012), the same for the same seed; point `i` does not depend
    /// on how many are drawn. Numbers of ranges are rounded to three digits, so that what is printed is what is
    /// trained with.
    ///
    /// # Errors
    /// As [`Override::parse`].
    pub fn draw(&self, trials: u32, seed: u64) -> Result<Vec<Point>, RecipeError> {
        (0..trials)
            .map(|trial| {
                let mut random = Random::stream(seed ^ STREAM, u64::from(trial));
                self.axes
                    .iter()
                    .map(|axis| match &axis.values {
                        Values::List(values) => {
                            let index = (random.unit() * values.len() as f64) as usize;
                            Ok(values[index.min(values.len() - 1)].clone())
                        }
                        Values::Range(range) => Override::new(&axis.key, &range.at(random.unit())),
                    })
                    .collect()
            })
            .collect()
    }

    /// The settings of every combination, each with its label.
    ///
    /// # Errors
    /// As [`Grid::points`]; a value that its key cannot have.
    pub fn expand(&self, base: &Settings) -> Result<Vec<(String, Settings)>, RecipeError> {
        self.points()?.iter().map(|point| Ok((label(point), apply(base, point)?))).collect()
    }
}

/// A point in words: `learning_rate=1e-5,epochs=3`.
fn label(point: &[Override]) -> String {
    point.iter().map(Override::to_string).collect::<Vec<_>>().join(",")
}

impl Range {
    fn parse(ends: &str, scale: Scale) -> Result<Self, &'static str> {
        let (low, high) = ends.split_once("..").ok_or("a range has two ends: log:1e-5..1e-3")?;
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|n| n.is_finite());
        let (Some(low_value), Some(high_value)) = (number(low), number(high)) else {
            return Err("the ends of a range are numbers: log:1e-5..1e-3");
        };
        if low_value >= high_value {
            return Err("the first end of a range is the smaller one");
        }
        if scale == Scale::Log && low_value <= 0.0 {
            return Err("the ends of a log range are above 0");
        }
        let is_whole = |text: &str| text.trim().bytes().all(|byte| byte.is_ascii_digit());
        let whole = is_whole(low) && is_whole(high);
        Ok(Self { low: low_value, high: high_value, scale, whole })
    }

    /// The number at `unit` (from 0 to below 1) of the range.
    fn at(&self, unit: f64) -> String {
        // A whole number stands for the interval around it.
        let (low, high) =
            if self.whole { (self.low - 0.5, self.high + 0.5) } else { (self.low, self.high) };
        let value = match self.scale {
            Scale::Uniform => low + unit * (high - low),
            Scale::Log => (low.ln() + unit * (high.ln() - low.ln())).exp(),
        };
        if self.whole {
            return format!("{}", value.round().clamp(self.low, self.high));
        }
        let rounded: f64 = format!("{value:.2e}").parse().unwrap_or(value);
        let kept = rounded.clamp(self.low, self.high);
        if kept.abs() < 1e-3 { format!("{kept:e}") } else { format!("{kept}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(texts: &[&str]) -> Result<Grid, RecipeError> {
        Grid::parse(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn lists_are_combined() {
        let grid =
            grid(&["learning_rate=1e-5,3e-5", "batch_size=16,32", "freeze=[a,b]"]).expect("valid");
        let expanded = grid.expand(&Settings::default()).expect("valid");
        let labels: Vec<&str> = expanded.iter().map(|(label, _)| label.as_str()).collect();
        assert_eq!(
            labels,
            [
                "learning_rate=1e-5,batch_size=16,freeze=[a,b]",
                "learning_rate=1e-5,batch_size=32,freeze=[a,b]",
                "learning_rate=3e-5,batch_size=16,freeze=[a,b]",
                "learning_rate=3e-5,batch_size=32,freeze=[a,b]",
            ]
        );
        assert_eq!((expanded[3].1.learning_rate, expanded[3].1.batch_size), (3e-5, 32));
        assert_eq!(expanded[0].1.freeze, ["a", "b"]);
        assert_eq!(Grid::default().points().expect("one").len(), 1);
    }

    #[test]
    fn draws_follow_from_the_seed_and_stay_in_range() {
        let grid =
            grid(&["learning_rate=log:1e-5..1e-3", "batch_size=uniform:8..10", "epochs=2,3"])
                .expect("valid");
        let points = grid.draw(300, 7).expect("drawn");
        assert_eq!(points[..20], grid.draw(20, 7).expect("drawn"));
        assert_ne!(points, grid.draw(300, 8).expect("drawn"));
        let settings: Vec<Settings> =
            points.iter().map(|point| apply(&Settings::default(), point).expect("valid")).collect();
        let share = |holds: &dyn Fn(&Settings) -> bool| {
            settings.iter().filter(|settings| holds(settings)).count() as f64 / 300.0
        };
        assert!(settings.iter().all(|s| (1e-5..=1e-3).contains(&s.learning_rate)));
        // Half of them are below the geometric mean; three deviations of a share of 300 are 0.087.
        assert!((share(&|s| s.learning_rate < 1e-4) - 0.5).abs() < 0.087);
        assert!((share(&|s| s.batch_size == 8) - 1.0 / 3.0).abs() < 0.082);
        assert!((share(&|s| s.epochs == 2.0) - 0.5).abs() < 0.087);
        assert!(settings.iter().all(|s| (8..=10).contains(&s.batch_size)));
        assert!(grid.points().is_err());
    }

    #[test]
    fn what_is_no_grid_is_refused() {
        for (texts, message) in [
            (&["epochs=1", "epochs=2"][..], "the key stands twice"),
            (&["epochs=log:1"], "a range has two ends"),
            (&["epochs=log:a..b"], "are numbers"),
            (&["epochs=log:0..1"], "above 0"),
            (&["epochs=uniform:2..1"], "the smaller one"),
            (&["epochs="], "expected key=value"),
        ] {
            let error = grid(texts).expect_err(message);
            assert!(error.to_string().contains(message), "{error}");
        }
        let unknown = grid(&["epoch=1,2"]).expect("read").expand(&Settings::default());
        assert!(matches!(unknown, Err(RecipeError::UnknownSetting { .. })));
    }
}
