//! Models of real sizes to measure, by the configurations that their plugins carry.

use kobench_engine::config::Architecture;
use kobench_engine::selftest::speed::Shape;

pub(crate) static SHAPES: [Shape; 6] = [
    Shape {
        name: "kcbert-base",
        architecture: Architecture::Bert,
        config: include_bytes!("../../kcbert/configs/kcbert-base.json"),
        labels: 2,
        batch: 32,
        adalomo: false,
    },
    Shape {
        name: "koelectra-base",
        architecture: Architecture::Electra,
        config: include_bytes!("../../koelectra/configs/koelectra-base-v3.json"),
        labels: 2,
        batch: 32,
        adalomo: false,
    },
    Shape {
        name: "mdeberta-base",
        architecture: Architecture::DebertaV2,
        config: include_bytes!("../../mdeberta/configs/mdeberta-v3-base.json"),
        labels: 2,
        batch: 32,
        adalomo: false,
    },
    Shape {
        name: "gemma-2-2b",
        architecture: Architecture::Gemma2,
        config: include_bytes!("../../gemma2/configs/gemma-2-2b.json"),
        labels: 188,
        batch: 32,
        adalomo: false,
    },
    // As many classes as the patents of the published tables have.
    Shape {
        name: "gemma-2-9b",
        architecture: Architecture::Gemma2,
        config: include_bytes!("../../gemma2/configs/gemma-2-9b.json"),
        labels: 188,
        batch: 8,
        adalomo: true,
    },
    // No model of anyone's: to try the command.
    Shape {
        name: "tiny",
        architecture: Architecture::Bert,
        config: include_bytes!("../configs/tiny.json"),
        labels: 2,
        batch: 8,
        adalomo: false,
    },
];
