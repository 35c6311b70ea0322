//! The options of `kobench run` that are about training.

use crate::cli::CliError;
use crate::recipe::{Grid, Library, Point};
use crate::run::{FineTune, Saving};
use crate::task::SuiteFineTune;
use clap::ValueEnum;
use std::time::Duration;

/// Options that say how models are trained.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct FineTuneArgs {
    /// Train each model on each task first, then evaluate it.
    #[arg(long)]
    pub(in crate::cli) finetune: bool,
    /// The recipe: a name (`kobench recipe list`) or the path of a recipe file [default: default].
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) recipe: Option<String>,
    /// Seeds, separated by commas; several make one cell of the table, with the spread between them.
    #[arg(long, value_name = "N", value_delimiter = ',')]
    pub(in crate::cli) seed: Vec<u64>,
    /// A setting of the recipe (repeatable); several values, separated by commas, are trained each.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(in crate::cli) set: Vec<String>,
    /// Which checkpoint is scored, instead of the recipe's choice.
    #[arg(long, value_enum, value_name = "POLICY")]
    pub(in crate::cli) select: Option<Policy>,
    /// Draw every weight anew, not only those of the head.
    #[arg(long)]
    pub(in crate::cli) from_scratch: bool,
    /// Save a state, from which an interrupted training goes on, every so many minutes.
    #[arg(long, value_name = "MINUTES", default_value_t = 5.0)]
    pub(in crate::cli) save_every: f64,
    /// Save a state every so many steps too.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(in crate::cli) save_every_steps: Option<u64>,
    /// Do not keep the trained model in the cell's folder.
    #[arg(long)]
    pub(in crate::cli) discard_model: bool,
}

/// Which checkpoint is scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Policy {
    /// The one after the last step.
    Last,
    /// The best on rows that are neither trained on nor reported.
    BestOnDev,
    /// The best on the reported rows, as the published tables were made; flatters.
    BestOnTest,
}

impl Policy {
    fn setting(self) -> &'static str {
        match self {
            Self::Last => "select=last",
            Self::BestOnDev => "select=best_on_dev",
            Self::BestOnTest => "select=best_on_test",
        }
    }
}

impl FineTuneArgs {
    /// What is to be trained; none without `--finetune`, or a suite that says it.
    ///
    /// `max_seq_len` is that of the command line, which is a setting like any other where models are trained. What
    /// the command line says goes before what the suite says.
    pub(in crate::cli) fn options(
        &self,
        suite: Option<&SuiteFineTune>,
        max_seq_len: Option<u32>,
    ) -> Result<Option<FineTune>, CliError> {
        if !self.finetune && suite.is_none() {
            return match self.unused() {
                Some(option) => Err(CliError::usage(
                    format!("{option} says how a model is trained, and none is"),
                    "add --finetune",
                )),
                None => Ok(None),
            };
        }
        let points = self.grid(suite, max_seq_len)?.points()?;
        Ok(Some(self.training(suite, points)?))
    }

    /// The settings that are to be tried.
    pub(in crate::cli) fn grid(
        &self,
        suite: Option<&SuiteFineTune>,
        max_seq_len: Option<u32>,
    ) -> Result<Grid, CliError> {
        let mut set = self.set.clone();
        set.extend(self.select.map(|policy| policy.setting().to_owned()));
        set.extend(max_seq_len.map(|tokens| format!("max_seq_len={tokens}")));
        let key = |edit: &str| edit.split('=').next().unwrap_or_default().trim().to_owned();
        let own: Vec<String> = set.iter().map(|edit| key(edit)).collect();
        let of_suite = suite.iter().flat_map(|suite| &suite.set);
        set.extend(of_suite.filter(|edit| !own.contains(&key(edit))).cloned());
        Ok(Grid::parse(&set)?)
    }

    /// Trainings with these edits of the recipe.
    pub(in crate::cli) fn training(
        &self,
        suite: Option<&SuiteFineTune>,
        points: Vec<Point>,
    ) -> Result<FineTune, CliError> {
        let Ok(every) = Duration::try_from_secs_f64(self.save_every * 60.0) else {
            let message = format!("--save-every {}: not a number of minutes", self.save_every);
            return Err(CliError::usage(
                message,
                "give a positive number, for instance --save-every 5",
            ));
        };
        let recipe = self.recipe.as_deref().or(suite.map(|suite| suite.recipe.as_str()));
        let seeds = match suite {
            Some(suite) if self.seed.is_empty() => suite.seeds.clone(),
            _ => self.seed.clone(),
        };
        Ok(FineTune {
            recipe: recipe.unwrap_or(Library::DEFAULT).to_owned(),
            points,
            seeds,
            from_scratch: self.from_scratch || suite.is_some_and(|suite| suite.from_scratch),
            saving: Saving {
                every,
                every_steps: self.save_every_steps,
                keep_model: !self.discard_model,
            },
        })
    }

    /// An option that has no effect without training.
    fn unused(&self) -> Option<&'static str> {
        [
            ("--recipe", self.recipe.is_some()),
            ("--seed", !self.seed.is_empty()),
            ("--set", !self.set.is_empty()),
            ("--select", self.select.is_some()),
            ("--from-scratch", self.from_scratch),
            ("--save-every-steps", self.save_every_steps.is_some()),
            ("--discard-model", self.discard_model),
        ]
        .into_iter()
        .find_map(|(name, is_given)| is_given.then_some(name))
    }
}
