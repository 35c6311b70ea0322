//! One layer of settings over another.

use serde_json::{Map, Value};

/// Puts the keys of `over` into `base`. Objects are merged key by key, unless they have other `name`s (an
/// optimiser's numbers mean nothing to another one), and a warm-up of one kind replaces that of the other.
pub(super) fn merge(base: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (key, value) in over {
        let other = match key.as_str() {
            "warmup_steps" => Some("warmup_proportion"),
            "warmup_proportion" => Some("warmup_steps"),
            _ => None,
        };
        if let Some(other) = other
            && !over.contains_key(other)
        {
            base.remove(other);
        }
        match (base.get_mut(key), value) {
            (Some(Value::Object(below)), Value::Object(above))
                if above.get("name").is_none() || above.get("name") == below.get("name") =>
            {
                merge(below, above);
            }
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn merged(base: Value, over: Value) -> Value {
        let (Value::Object(mut base), Value::Object(over)) = (base, over) else {
            panic!("objects")
        };
        merge(&mut base, &over);
        Value::Object(base)
    }

    #[test]
    fn objects_of_one_name_are_merged() {
        let adamw = json!({"optimizer": {"name": "adamw", "eps": 1e-8, "variant": "huggingface"}});
        assert_eq!(
            merged(adamw.clone(), json!({"optimizer": {"name": "adamw", "eps": 1e-7}})),
            json!({"optimizer": {"name": "adamw", "eps": 1e-7, "variant": "huggingface"}})
        );
        assert_eq!(
            merged(adamw, json!({"optimizer": {"name": "adalomo"}, "epochs": 1})),
            json!({"optimizer": {"name": "adalomo"}, "epochs": 1})
        );
    }

    #[test]
    fn one_warm_up_replaces_the_other() {
        assert_eq!(
            merged(json!({"warmup_steps": 0}), json!({"warmup_proportion": 0.1})),
            json!({"warmup_proportion": 0.1})
        );
        // Both in one layer is a mistake, which stays to be found.
        let both = json!({"warmup_steps": 1, "warmup_proportion": 0.1});
        assert_eq!(merged(json!({}), both.clone()), both);
    }
}
