//! A selection of tests/goldens: each architecture, and the forms of it that compute by other code.

use kobench_engine::config::Architecture;
use kobench_engine::selftest::{Goldens, ModelGolden};

/// A model of tests/goldens, and its training.
macro_rules! golden {
    ($architecture:ident, $name:literal, $folder:literal, $weights:literal, $training:literal) => {
        ModelGolden {
            architecture: Architecture::$architecture,
            name: $name,
            config: include_bytes!(concat!("../../../tests/goldens/", $folder, "/config.json")),
            weights: include_bytes!(concat!("../../../tests/goldens/", $folder, "/", $weights)),
            logits: include_bytes!(concat!("../../../tests/goldens/", $folder, "/goldens.json")),
            training: include_bytes!(concat!(
                "../../../tests/goldens/fine_tuning/",
                $training,
                ".json"
            )),
        }
    };
}

static MODELS: [ModelGolden; 11] = [
    golden!(Bert, "sequence", "bert/gamma-beta", "pytorch_model.bin", "bert-gamma-beta"),
    golden!(Bert, "token", "absolute/bert-token", "model.safetensors", "absolute-bert-token"),
    golden!(
        Electra,
        "sequence",
        "absolute/electra-sequence",
        "model.safetensors",
        "absolute-electra-sequence"
    ),
    golden!(
        DistilBert,
        "sequence",
        "absolute/distilbert-sequence",
        "model.safetensors",
        "absolute-distilbert-sequence"
    ),
    golden!(Roberta, "span", "absolute/roberta-span", "model.safetensors", "absolute-roberta-span"),
    golden!(
        Roberta,
        "regression",
        "absolute/xlm-roberta-sequence",
        "model.safetensors",
        "absolute-xlm-roberta-sequence"
    ),
    golden!(DebertaV2, "v3", "deberta/base", "model.safetensors", "deberta-base"),
    golden!(DebertaV2, "separate", "deberta/separate", "model.safetensors", "deberta-separate"),
    golden!(DebertaV2, "conv", "deberta/conv", "model.safetensors", "deberta-conv"),
    golden!(Gemma2, "sequence", "gemma2/base", "model.safetensors", "gemma2-base"),
    golden!(Gemma2, "token", "gemma2/token", "model.safetensors", "gemma2-token"),
];

pub(crate) static GOLDENS: Goldens = Goldens {
    models: &MODELS,
    optimizers_model: (Architecture::Electra, "sequence"),
    optimizers: include_bytes!("../../../tests/goldens/optimizers/steps.json"),
};
