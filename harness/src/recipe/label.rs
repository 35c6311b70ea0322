//! The name of a recipe with what was overridden, as records have it: `generation-b[epochs=3,seed=1]`.

/// The recipe's name and the edits, key and value, of a label.
pub fn split_label(label: &str) -> (&str, Vec<(&str, &str)>) {
    let edits = label.strip_suffix(']').and_then(|label| label.split_once('['));
    let Some((name, edits)) = edits else { return (label, Vec::new()) };
    let pairs = commas(edits).into_iter().filter_map(|edit| edit.split_once('=')).collect();
    (name, pairs)
}

/// The parts between commas that are outside of brackets.
pub(super) fn commas(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0u32);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_fall_into_their_parts() {
        assert_eq!(split_label("default"), ("default", vec![]));
        assert_eq!(
            split_label("default[epochs=3,freeze=[a,b],optimizer.eps=1e-7]"),
            ("default", vec![("epochs", "3"), ("freeze", "[a,b]"), ("optimizer.eps", "1e-7")])
        );
    }
}
