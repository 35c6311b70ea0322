"""Writes optimizers/losses.json and optimizers/steps.json: what PyTorch makes of losses and of training steps.

    python make_optimizers.py      (torch 2.9.0, transformers 4.57.6)

losses.json has logits, targets, each loss and its gradient by autograd, in f64. steps.json has runs of five steps of
the model in absolute/electra-sequence (seeded random weights), without dropout, in f64: loss and gradient norm of
each step, and the first elements of each tensor behind the last. torch.optim.AdamW is PyTorch's own; transformers'
AdamW, which it no longer has, and AdaLomo (arXiv:2310.10195) are written down here from their formulas.
"""

import json
import math
from pathlib import Path

import torch
from torch.nn import functional as F
from transformers import ElectraForSequenceClassification

HERE = Path(__file__).parent
MODEL = HERE / "absolute" / "electra-sequence"
KEPT = 6


def focal(z, y, reading, gamma, alpha, mean):
    keep = y != -100
    z, y = z[keep], y[keep]
    if reading == "softmax":
        log_p = F.log_softmax(z, -1).gather(1, y[:, None])[:, 0]
        each = -(alpha if alpha is not None else 1.0) * (1 - log_p.exp()) ** gamma * log_p
    else:
        # torchvision.ops.sigmoid_focal_loss
        t = F.one_hot(y, z.shape[1]).to(z.dtype)
        p = torch.sigmoid(z)
        p_t = p * t + (1 - p) * (1 - t)
        each = F.binary_cross_entropy_with_logits(z, t, reduction="none") * (1 - p_t) ** gamma
        if alpha is not None:
            each = (alpha * t + (1 - alpha) * (1 - t)) * each
    return each.sum() / (z.shape[0] if mean == "rows" else z.numel())


def losses():
    torch.manual_seed(0)
    rows, classes = 7, 5
    logits = (3 * torch.randn(rows, classes)).double()
    y = torch.tensor([0, 4, -100, 2, 2, 1, 3])
    weights = torch.tensor([0.5, 2.0, 1.0, 0.0, 1.5])
    cases = []

    def add(settings, f):
        z = logits.clone().requires_grad_()
        loss = f(z)
        (gradient,) = torch.autograd.grad(loss, z)
        cases.append({"settings": settings, "loss": loss.item(), "gradient": gradient.flatten().tolist()})

    for smoothing in (0.0, 0.1):
        for weighted in (False, True):
            settings = {"name": "cross_entropy", "label_smoothing": smoothing}
            if weighted:
                settings["class_weights"] = weights.tolist()
            w = weights.double() if weighted else None
            add(settings, lambda z: F.cross_entropy(z, y, w, label_smoothing=smoothing))
    for reading in ("softmax", "sigmoid"):
        for gamma, alpha in ((2.0, 0.25), (0.5, None), (0.0, 0.75)):
            for mean in ("rows", "elements"):
                settings = {"name": "focal", "reading": reading, "gamma": gamma, "alpha": alpha, "mean": mean}
                add(settings, lambda z: focal(z, y, reading, gamma, alpha, mean))

    # Answers: sequences of 3 and 5 tokens.
    z = (3 * torch.randn(8, 2)).double().requires_grad_()
    starts, ends, cu = [1, 0], [2, 4], [0, 3, 8]
    parts = []
    for column, targets in ((0, starts), (1, ends)):
        each = [F.cross_entropy(z[a:b, column][None], torch.tensor([t])) for a, b, t in zip(cu, cu[1:], targets)]
        parts.append(torch.stack(each).mean())
    loss = (parts[0] + parts[1]) / 2
    (gradient,) = torch.autograd.grad(loss, z)
    span = {
        "logits": z.detach().flatten().tolist(), "cu_seqlens": cu, "starts": starts, "ends": ends,
        "loss": loss.item(), "gradient": gradient.flatten().tolist(),
    }
    z = torch.tensor([0.5, -2.0, 3.25], dtype=torch.float64, requires_grad=True)
    t = torch.tensor([1.5, -2.0, 0.25], dtype=torch.float64)
    loss = F.mse_loss(z, t)
    (gradient,) = torch.autograd.grad(loss, z)
    mse = {"logits": z.tolist(), "targets": t.tolist(), "loss": loss.item(), "gradient": gradient.tolist()}
    return {"logits": logits.flatten().tolist(), "targets": y.tolist(), "cases": cases, "span": span, "mse": mse}


class HuggingFaceAdamW(torch.optim.Optimizer):
    def __init__(self, groups, lr, betas, eps):
        super().__init__(groups, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            b1, b2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                s = self.state[p]
                if not s:
                    s.update(t=0, m=torch.zeros_like(p), v=torch.zeros_like(p))
                s["t"] += 1
                s["m"] = b1 * s["m"] + (1 - b1) * p.grad
                s["v"] = b2 * s["v"] + (1 - b2) * p.grad**2
                size = group["lr"] * math.sqrt(1 - b2 ** s["t"]) / (1 - b1 ** s["t"])
                p -= size * s["m"] / (s["v"].sqrt() + group["eps"])
                p -= group["lr"] * group["weight_decay"] * p


class AdaLomo(torch.optim.Optimizer):
    def __init__(self, groups, lr, decay_rate=-0.8, eps=(1e-30, 1e-3), clip_threshold=1.0):
        super().__init__(groups, {"lr": lr})
        self.decay_rate, self.eps, self.clip_threshold, self.t = decay_rate, eps, clip_threshold, 0

    @torch.no_grad()
    def step(self):
        self.t += 1
        beta = 1 - self.t**self.decay_rate
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                g, s = p.grad, self.state[p]
                square = g**2 + self.eps[0]
                if g.dim() > 1:
                    s["r"] = beta * s.get("r", 0.0) + (1 - beta) * square.mean(-1)
                    s["c"] = beta * s.get("c", 0.0) + (1 - beta) * square.mean(-2)
                    u = g / (s["r"] / s["r"].mean()).sqrt()[:, None] / s["c"].sqrt()[None]
                else:
                    s["v"] = beta * s.get("v", 0.0) + (1 - beta) * square
                    u = g / s["v"].sqrt()
                u = u / max(1.0, (u.pow(2).mean().sqrt() / self.clip_threshold).item())
                rate = group["lr"] * max(self.eps[1], p.pow(2).mean().sqrt().item())
                p *= 1 - rate * group["weight_decay"]
                p -= rate * u


def layer_factor(name, layers, decay):
    if ".layer." in name:
        return decay ** (layers - int(name.split(".layer.")[1].split(".")[0]))
    return decay ** (layers + 1) if name.startswith("electra.") else 1.0


def run(settings, rate, accumulate):
    model = ElectraForSequenceClassification.from_pretrained(MODEL).double().eval()
    torch.manual_seed(1)
    optimizer = settings["optimizer"]
    decay = optimizer.get("weight_decay", 0.0)
    no_decay = optimizer.get("no_decay", ["bias", "LayerNorm.weight"])
    if optimizer["name"] == "adalomo":
        no_decay = []
    groups = []
    for name, p in model.named_parameters():
        if any(name.startswith(prefix) for prefix in settings.get("freeze", [])):
            p.requires_grad_(False)
            continue
        factor = layer_factor(name, model.config.num_hidden_layers, settings.get("layer_decay", 1.0))
        own = 0.0 if any(piece in name for piece in no_decay) else decay
        groups.append({"params": [p], "lr": rate * factor, "weight_decay": own})
    betas, eps = optimizer.get("betas", [0.9, 0.999]), optimizer.get("eps", 1e-8)
    if optimizer["name"] == "adalomo":
        step = AdaLomo(groups, rate)
    elif optimizer.get("variant") == "huggingface":
        step = HuggingFaceAdamW(groups, rate, betas, eps)
    else:
        step = torch.optim.AdamW(groups, lr=rate, betas=betas, eps=eps, foreach=False)
    loss_settings = settings.get("loss", {})
    weights = loss_settings.get("class_weights")
    weights = torch.tensor(weights, dtype=torch.float64) if weights else None
    records = []
    for number in range(STEPS):
        model.zero_grad()
        passes = []
        for micro in range(accumulate):
            batch = BATCHES[(number * accumulate + micro) % len(BATCHES)]
            longest = max(len(ids) for ids in batch["input_ids"])
            pad = lambda ids: ids + [0] * (longest - len(ids))
            ids = torch.tensor([pad(ids) for ids in batch["input_ids"]])
            mask = torch.tensor([pad([1] * len(ids)) for ids in batch["input_ids"]])
            logits = model(input_ids=ids, attention_mask=mask).logits
            loss = F.cross_entropy(
                logits, torch.tensor(batch["targets"]), weights, label_smoothing=loss_settings.get("label_smoothing", 0.0)
            )
            (loss / accumulate).backward()
            passes.append(loss.item())
        live = [p for p in model.parameters() if p.requires_grad]
        clip = settings.get("clip_norm")
        norm = torch.nn.utils.clip_grad_norm_(live, clip if clip is not None else math.inf).item()
        step.step()
        records.append({"losses": passes, "grad_norm": norm})
    weights = {name: p.detach().flatten()[:KEPT].tolist() for name, p in model.named_parameters()}
    return {"settings": settings, "learning_rate": rate, "accumulate": accumulate, "steps": records, "weights": weights}


STEPS = 5


def batches(config):
    generator = torch.Generator().manual_seed(7)
    number = lambda high: int(torch.randint(high, (1,), generator=generator))
    made = []
    for _ in range(3):
        lengths = [2 + number(12) for _ in range(4)]
        ids = [[5 + number(config.vocab_size - 5) for _ in range(n)] for n in lengths]
        made.append({"input_ids": ids, "targets": [number(config.num_labels) for _ in ids]})
    return made


def main():
    global BATCHES
    (HERE / "optimizers").mkdir(exist_ok=True)
    (HERE / "optimizers" / "losses.json").write_text(json.dumps(losses(), indent=1) + "\n")
    config = ElectraForSequenceClassification.from_pretrained(MODEL).config
    BATCHES = batches(config)
    weights = [0.5 + 0.5 * i for i in range(config.num_labels)]
    adamw = {"name": "adamw", "weight_decay": 0.1}
    adalomo = {"name": "adalomo", "weight_decay": 0.05, "fused": False}
    smooth = {"name": "cross_entropy", "class_weights": weights, "label_smoothing": 0.1}
    runs = [
        run({"optimizer": adamw, "clip_norm": 0.5, "loss": smooth}, 1e-3, 1),
        run({"optimizer": {**adamw, "variant": "huggingface", "eps": 1e-6}}, 1e-3, 1),
        run({"optimizer": {**adamw, "no_decay": []}, "clip_norm": 1.0}, 1e-3, 2),
        run({"optimizer": adamw, "layer_decay": 0.5}, 2e-3, 1),
        run({"optimizer": adamw, "freeze": ["electra.embeddings", "electra.encoder.layer.0.attention.self.key"]}, 1e-3, 1),
        run({"optimizer": adalomo, "clip_norm": 0.5}, 1e-2, 2),
        run({"optimizer": {**adalomo, "fused": True}}, 1e-2, 1),
        run({"optimizer": {**adalomo, "fused": True}, "clip_norm": 0.5}, 1e-2, 1),
    ]
    (HERE / "optimizers" / "steps.json").write_text(json.dumps({"batches": BATCHES, "runs": runs}) + "\n")


if __name__ == "__main__":
    main()
