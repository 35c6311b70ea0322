//! Weights, gradients and logits of a model, on the host.

use crate::batch::PackedBatch;
use crate::error::Result;
use crate::grad::Accumulate;
use crate::model::Model;
use crate::saved::Saved;
use crate::train::Targets;

/// A tensor by its name in a checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) values: Vec<f32>,
}

impl Named {
    /// Whether its gradient is rounding alone: softmax does not see what the bias of the keys adds. (DeBERTa's positions
    /// see that of `key_proj`, but not that of the positions' own keys.)
    pub(super) fn is_rounding(&self) -> bool {
        self.name.ends_with("key.bias")
            || self.name.ends_with("k_lin.bias")
            || self.name.ends_with("pos_key_proj.bias")
    }
}

/// The logits of a batch.
pub(super) fn logits(model: &mut Model, batch: &PackedBatch) -> Result<Vec<f32>> {
    let mut logits = vec![f32::NAN; model.logits_rows(batch) * model.logits_width()];
    model.forward(batch, &mut logits, &|| Ok(()))?;
    Ok(logits)
}

/// All weights.
pub(super) fn weights(model: &Model) -> Result<Vec<Named>> {
    let mut all = Vec::new();
    for param in model.params().iter() {
        let mut values = vec![0.0; param.elements()];
        model.context().download(&param.read(), &mut values)?;
        let mut rest = values.as_slice();
        for part in param.parts() {
            let (own, tail) = rest.split_at(part.elements());
            rest = tail;
            all.push(Named { name: part.name.clone(), values: own.to_vec() });
        }
    }
    Ok(all)
}

/// Loss and gradients of a batch; `saved` says which dropout acts. A tensor without a gradient has one of zeros.
pub(super) fn gradients(
    model: &mut Model,
    (batch, targets): &(PackedBatch, Targets),
    saved: &mut Saved,
) -> Result<(f64, Vec<Named>)> {
    let mut sink = Accumulate::new(model.params());
    let loss = model.gradients(batch, targets, saved, &mut sink)?;
    let mut all = Vec::new();
    for param in model.params().iter() {
        let grad = sink.grad(param);
        let mut from = 0;
        for part in param.parts() {
            let own = from..from + part.elements();
            from = own.end;
            let values = match grad {
                Some(grad) => grad[own].to_vec(),
                None => vec![0.0; own.len()],
            };
            all.push(Named { name: part.name.clone(), values });
        }
    }
    Ok((loss, all))
}
