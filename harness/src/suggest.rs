//! "Did you mean": the closest of the names that exist.

/// The candidate closest to `name`, when it is close enough to be a slip of the keyboard: at most
/// one edit for every three characters, and at least two (a swap of neighbours is two).
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(2);
    candidates
        .into_iter()
        .map(|candidate| (distance(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(edits, _)| *edits <= limit)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance in characters (Wagner and Fischer 1974), with one row of the table.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_slips_only() {
        let names = ["nsmc", "kornli", "korsts"];
        assert_eq!(closest("nmsc", names), Some("nsmc"));
        assert_eq!(closest("nsmcc", names), Some("nsmc"));
        assert_eq!(closest("KorNLI", names), Some("kornli"));
        assert_eq!(closest("korst", names), Some("korsts"));
        assert_eq!(closest("squad", names), None);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "가나"), 2);
    }
}
