use serde_json::json;

use super::*;

#[test]
fn everything_has_a_default() {
    let settings = Settings::parse(json!({}), 2).unwrap();
    assert_eq!(settings, Settings::default());
    let named = json!({"optimizer": {"name": "adamw"}, "loss": {"name": "mse"}, "clip_norm": null});
    assert_eq!(Settings::parse(named, 1).unwrap().loss(), Some(Loss::Mse));
    let all = json!({
        "optimizer": {"name": "adalomo", "decay_rate": -0.8, "eps": [1e-30, 1e-3], "clip_threshold": 1.0,
            "weight_decay": 0.0, "fused": false},
        "loss": {"name": "focal", "reading": "sigmoid", "gamma": 2, "alpha": null, "mean": "elements"},
        "clip_norm": 1.0, "freeze": ["bert.embeddings"], "layer_decay": 0.9,
        "activation_checkpointing": false, "save_dtype": "bf16"
    });
    let settings = Settings::parse(all, 188).unwrap();
    assert_eq!((settings.optimizer.name(), settings.save_dtype), ("adalomo", SaveDtype::Bf16));
}

#[test]
fn what_is_not_known_is_named_with_what_is() {
    for (json, expected) in [
        (json!({"optimiser": {}}), "`optimiser`, expected one of `optimizer`"),
        (json!({"optimizer": {"name": "sgd"}}), "`sgd`, expected `adamw` or `adalomo`"),
        (
            json!({"optimizer": {"name": "adamw", "momentun": 0.9}}),
            "`momentun`, expected one of `variant`",
        ),
        (json!({"optimizer": {"name": "adamw", "betas": [0.9, 1.0]}}), "betas is 1"),
        (json!({"loss": {"name": "mse", "gamma": 1}}), "unknown field `gamma`"),
        (
            json!({"loss": {"name": "cross_entropy", "class_weights": [1.0]}}),
            "1 values, but the model has 2",
        ),
        (json!({"loss": {"name": "focal", "alpha": 2}}), "alpha is 2"),
        (json!({"clip_norm": 0}), "clip_norm is 0; expected a number above 0"),
        (json!({"layer_decay": 1.5}), "layer_decay is 1.5"),
        (json!({"save_dtype": "f64"}), "`f64`, expected one of `f32`"),
        (json!([]), "expected an object"),
    ] {
        let error = Settings::parse(json.clone(), 2).unwrap_err().to_string();
        assert!(error.contains(expected), "{json}: {error}");
    }
}
