//! The known name that a mistyped one was probably meant to be.

/// Least similarity (0–1) at which a name is worth suggesting; below, a suggestion misleads more than it helps.
const LEAST_SIMILARITY: f64 = 0.6;

/// The candidate nearest to `name`, if one is near. Case and `-` for `_` do not count as differences.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = plain(name);
    let mut best: Option<(f64, &str)> = None;
    for candidate in candidates {
        let score = similarity(&name, &plain(candidate));
        if score >= LEAST_SIMILARITY && best.is_none_or(|(least, _)| score > least) {
            best = Some((score, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn plain(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}

fn similarity(name: &str, candidate: &str) -> f64 {
    // `horizon` for `label_horizon`: far apart by edits, yet clearly meant.
    let part = name.len() >= 4 && candidate.contains(name) || candidate.len() >= 4 && name.contains(candidate);
    let edits = strsim::normalized_damerau_levenshtein(name, candidate);
    if part { edits.max(LEAST_SIMILARITY) } else { edits }
}

/// Names in a row for a message: `` `a`, `b` ``.
pub(super) fn enumerate<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = ["threshold", "windows", "label_horizon", "correction_horizon"];

    #[test]
    fn typing_mistakes_find_the_name() {
        for (typed, meant) in [
            ("treshold", "threshold"),
            ("Windows", "windows"),
            ("window", "windows"),
            ("label-horizont", "label_horizon"),
        ] {
            assert_eq!(nearest(typed, NAMES), Some(meant), "{typed}");
        }
    }

    #[test]
    fn a_part_of_a_name_finds_it() {
        assert_eq!(nearest("correction", NAMES), Some("correction_horizon"));
    }

    #[test]
    fn nothing_is_suggested_for_something_else() {
        assert_eq!(nearest("colour", NAMES), None);
        assert_eq!(nearest("", NAMES), None);
    }
}
