//! What settings must mean, beyond their shape.

use super::{EvaluateEvery, Loss, Optimizer, Settings};

/// A key, and what is wrong with its value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) key: &'static str,
    pub(super) message: String,
}

fn ensure(holds: bool, key: &'static str, message: impl Into<String>) -> Result<(), Wrong> {
    if holds { Ok(()) } else { Err(Wrong { key, message: message.into() }) }
}

fn share(value: f64) -> bool {
    value > 0.0 && value < 1.0
}

fn positive(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

/// Checks the numbers of settings, each by itself and those that exclude each other.
pub(super) fn check(settings: &Settings) -> Result<(), Wrong> {
    let s = settings;
    ensure(positive(s.epochs), "epochs", "epochs must be above 0")?;
    ensure(s.max_steps != Some(0), "max_steps", "max_steps must be at least 1")?;
    ensure(s.batch_size > 0, "batch_size", "batch_size must be at least 1")?;
    ensure(s.accumulate > 0, "accumulate", "accumulate must be at least 1")?;
    ensure(positive(s.learning_rate), "learning_rate", "learning_rate must be above 0")?;
    ensure(
        s.warmup_steps.is_none() || s.warmup_proportion.is_none(),
        "warmup_proportion",
        "either warmup_steps or warmup_proportion, not both",
    )?;
    ensure(
        s.warmup_proportion.is_none_or(|share| (0.0..=1.0).contains(&share)),
        "warmup_proportion",
        "warmup_proportion must be from 0 to 1",
    )?;
    ensure(
        s.max_seq_len.is_none_or(|tokens| tokens >= 3),
        "max_seq_len",
        "max_seq_len must leave room for a token between the special ones",
    )?;
    ensure(s.doc_stride != Some(0), "doc_stride", "doc_stride must be at least 1")?;
    ensure(
        s.max_question_len != Some(0),
        "max_question_len",
        "max_question_len must be at least 1",
    )?;
    ensure(s.clip_norm.is_none_or(positive), "clip_norm", "clip_norm must be above 0, or null")?;
    ensure(
        s.layer_decay.is_none_or(|decay| decay > 0.0 && decay <= 1.0),
        "layer_decay",
        "layer_decay must be above 0, and at most 1",
    )?;
    ensure(
        s.dev_fraction.is_none_or(share),
        "dev_fraction",
        "dev_fraction must be above 0 and below 1",
    )?;
    ensure(s.train_limit != Some(0), "train_limit", "train_limit must be at least 1")?;
    ensure(
        s.evaluate_every != EvaluateEvery::Steps(0),
        "evaluate_every",
        "evaluate_every must be at least 1 step; write `never` for no evaluation",
    )?;
    one_of("precision", s.precision.as_deref(), &["f32", "bf16", "auto"])?;
    one_of("save_dtype", s.save_dtype.as_deref(), &["f32", "f16", "bf16"])?;
    optimizer(&s.optimizer)?;
    s.loss.as_ref().map_or(Ok(()), loss)
}

fn one_of(key: &'static str, value: Option<&str>, names: &[&str]) -> Result<(), Wrong> {
    match value {
        Some(value) if !names.contains(&value) => {
            ensure(false, key, format!("{key} is one of {}, not `{value}`", names.join(", ")))
        }
        _ => Ok(()),
    }
}

fn optimizer(optimizer: &Optimizer) -> Result<(), Wrong> {
    let decay = |decay: f64| {
        ensure(
            decay.is_finite() && decay >= 0.0,
            "weight_decay",
            "weight_decay must not be negative",
        )
    };
    match optimizer {
        Optimizer::AdamW { betas, eps, weight_decay, .. } => {
            let below_one = betas.iter().all(|beta| (0.0..1.0).contains(beta));
            ensure(below_one, "betas", "betas must be from 0 to below 1")?;
            ensure(positive(*eps), "eps", "eps must be above 0")?;
            decay(*weight_decay)
        }
        Optimizer::AdaLomo { decay_rate, eps, clip_threshold, weight_decay, .. } => {
            ensure(
                decay_rate.is_finite() && *decay_rate < 0.0,
                "decay_rate",
                "decay_rate is an exponent below 0",
            )?;
            ensure(
                eps.iter().copied().all(positive),
                "eps",
                "both numbers of eps must be above 0",
            )?;
            ensure(positive(*clip_threshold), "clip_threshold", "clip_threshold must be above 0")?;
            decay(*weight_decay)
        }
    }
}

fn loss(loss: &Loss) -> Result<(), Wrong> {
    match loss {
        Loss::CrossEntropy { class_weights, label_smoothing } => {
            let weights = class_weights.iter().flatten();
            ensure(
                weights.clone().all(|weight| weight.is_finite() && *weight >= 0.0)
                    && (class_weights.is_none() || weights.sum::<f64>() > 0.0),
                "class_weights",
                "class_weights must not be negative, and not all 0",
            )?;
            ensure(
                (0.0..1.0).contains(label_smoothing),
                "label_smoothing",
                "label_smoothing must be from 0 to below 1",
            )
        }
        Loss::Mse {} => Ok(()),
        Loss::Focal { gamma, alpha, .. } => {
            ensure(gamma.is_finite() && *gamma >= 0.0, "gamma", "gamma must not be negative")?;
            ensure(*alpha > 0.0 && *alpha <= 1.0, "alpha", "alpha must be above 0, and at most 1")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_cannot_be_are_named() {
        assert_eq!(check(&Settings::default()), Ok(()));
        for (yaml, key) in [
            ("epochs: 0", "epochs"),
            ("epochs: .nan", "epochs"),
            ("batch_size: 0", "batch_size"),
            ("learning_rate: -1", "learning_rate"),
            ("{warmup_steps: 1, warmup_proportion: 0.1}", "warmup_proportion"),
            ("warmup_proportion: 10", "warmup_proportion"),
            ("dev_fraction: 1", "dev_fraction"),
            ("evaluate_every: 0", "evaluate_every"),
            ("precision: f64", "precision"),
            ("save_dtype: f8", "save_dtype"),
            ("optimizer: {name: adamw, betas: [0.9, 1]}", "betas"),
            ("optimizer: {name: adalomo, decay_rate: 0.8}", "decay_rate"),
            ("loss: {name: cross_entropy, class_weights: [0, 0]}", "class_weights"),
            ("loss: {name: cross_entropy, label_smoothing: 1}", "label_smoothing"),
            ("loss: {name: focal, alpha: 2}", "alpha"),
        ] {
            let settings: Settings = serde_yaml::from_str(yaml).expect("the right shape");
            let wrong = check(&settings).expect_err(yaml);
            assert_eq!(wrong.key, key, "{yaml}");
        }
    }
}
