//! Finds every path that Rust source names (`use` trees, inline paths, inside macros), resolved to where it starts.
//!
//! Works on tokens, so that comments and texts do not count and macro bodies do. What is under `#[cfg(test)]` is left out.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use std::str::FromStr;

/// Words that may stand before a path that starts with `::`.
const KEYWORDS: [&str; 10] = ["as", "dyn", "else", "impl", "in", "match", "mut", "pub", "return", "use"];

/// Segments from the root: `["crate", "event", "Millis"]`, `["std", "fs", "read"]`.
pub type Path = Vec<String>;

/// All paths in `text`, the source of the module `module` (`["join", "pending"]`; empty for the crate's root).
pub fn paths(text: &str, module: &[&str]) -> Result<Vec<Path>, String> {
    let stream = TokenStream::from_str(text).map_err(|error| format!("cannot be read as Rust: {error}"))?;
    let module: Path = module.iter().map(|&part| part.to_owned()).collect();
    let mut found = Vec::new();
    walk(&stream.into_iter().collect::<Vec<_>>(), &module, &mut found);
    Ok(found)
}

fn walk(tokens: &[TokenTree], module: &Path, found: &mut Vec<Path>) {
    let mut at = 0;
    while at < tokens.len() {
        if is_test_attribute(&tokens[at..]) {
            at = after_item(tokens, at + 2);
        } else if let [TokenTree::Ident(word), TokenTree::Ident(name), TokenTree::Group(body), ..] = &tokens[at..]
            && word == "mod"
        {
            let inner = [module.as_slice(), &[name.to_string()]].concat();
            walk(&body.stream().into_iter().collect::<Vec<_>>(), &inner, found);
            at += 3;
        } else if starts_path(tokens, at) {
            let mut trees = Vec::new();
            at = path_tree(tokens, at, Vec::new(), &mut trees);
            found.extend(trees.into_iter().map(|path| resolve(path, module)));
        } else {
            if let TokenTree::Group(group) = &tokens[at] {
                walk(&group.stream().into_iter().collect::<Vec<_>>(), module, found);
            }
            at += 1;
        }
    }
}

/// `#[cfg(test)]`.
fn is_test_attribute(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [TokenTree::Punct(hash), TokenTree::Group(attribute), ..]
        if hash.as_char() == '#' && attribute.stream().to_string().replace(' ', "") == "cfg(test)")
}

/// Index after the item that starts at `at`: its body, or its semicolon.
fn after_item(tokens: &[TokenTree], at: usize) -> usize {
    let end = tokens[at..].iter().position(|token| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == ';',
        _ => false,
    });
    end.map_or(tokens.len(), |length| at + length + 1)
}

/// `::` at `at`.
fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    matches!(tokens.get(at..at + 2), Some([TokenTree::Punct(first), TokenTree::Punct(second)])
        if first.as_char() == ':' && first.spacing() == Spacing::Joint && second.as_char() == ':')
}

/// A name that can be part of a path.
fn is_name(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Ident(word) if !KEYWORDS.iter().any(|keyword| word == keyword))
}

/// True where a path begins: a name before `::` that does not continue another path, or a name right after `use`.
fn starts_path(tokens: &[TokenTree], at: usize) -> bool {
    let closes_types = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '>');
    let continues =
        at >= 3 && is_separator(tokens, at - 2) && (is_name(&tokens[at - 3]) || closes_types(&tokens[at - 3]));
    let imported = at >= 1 && matches!(&tokens[at - 1], TokenTree::Ident(word) if word == "use");
    is_name(&tokens[at]) && !continues && (imported || is_separator(tokens, at + 1))
}

/// Reads the path or use tree at `at`, each branch of which becomes a path; returns the index after it.
fn path_tree(tokens: &[TokenTree], mut at: usize, mut prefix: Path, found: &mut Vec<Path>) -> usize {
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(name)) => {
                // `{self, …}` is the parent itself.
                if prefix.is_empty() || name != "self" {
                    prefix.push(name.to_string());
                }
                at += 1;
                if !is_separator(tokens, at) {
                    found.push(prefix);
                    return at;
                }
                at += 2;
            }
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let branches: Vec<_> = group.stream().into_iter().collect();
                for branch in branches.split(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == ',')) {
                    path_tree(branch, 0, prefix.clone(), found);
                }
                return at + 1;
            }
            // `*`, type arguments, or the end of an empty branch.
            _ => {
                found.push(prefix);
                return at;
            }
        }
    }
}

/// Turns `self` and `super` at the front into the path from the crate's root.
fn resolve(path: Path, module: &Path) -> Path {
    let supers = path.iter().take_while(|part| *part == "super").count();
    let relative = match path.first().map(String::as_str) {
        Some("self") => 1 + path[1..].iter().take_while(|part| *part == "super").count(),
        _ if supers > 0 => supers,
        _ => return path,
    };
    let up = path[..relative].iter().filter(|part| *part == "super").count();
    let base = &module[..module.len().saturating_sub(up)];
    [&["crate".to_owned()], base, &path[relative..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        paths(text, &["join", "pending"]).unwrap().into_iter().map(|path| path.join("::")).collect()
    }

    #[test]
    fn imports_are_spread_out() {
        assert_eq!(
            found("use crate::{codec, event::{Millis, self as e}, join::*}; use rayon; use ::std::fs;"),
            ["crate::codec", "crate::event::Millis", "crate::event", "crate::join", "rayon", "std::fs"]
        );
    }

    #[test]
    fn inline_paths_are_seen_in_expressions_types_and_macros() {
        assert_eq!(
            found("fn f(x: &crate::config::Raw) -> Vec<std::fs::File> { vec![g(std::env::var::<u8>(1))] }"),
            ["crate::config::Raw", "std::fs::File", "std::env::var"]
        );
        assert_eq!(found("macro_rules! m { () => { $crate::cli::run() } }"), ["crate::cli::run"]);
    }

    #[test]
    fn relative_paths_are_resolved() {
        assert_eq!(
            found("use super::rules; use super::super::config::Raw; use self::row::Row; mod inner { use super::row; }"),
            ["crate::join::rules", "crate::config::Raw", "crate::join::pending::row::Row", "crate::join::pending::row"]
        );
    }

    #[test]
    fn comments_texts_and_tests_do_not_count() {
        let text = r#"
            //! Not crate::config.
            /// Nor [`crate::config`].
            const A: &str = "std::fs::read"; // std::fs
            #[cfg(test)]
            mod tests { use crate::config; }
            #[cfg(test)]
            use std::fs;
            use crate::event;
        "#;
        assert_eq!(found(text), ["crate::event"]);
    }

    #[test]
    fn what_is_not_rust_is_a_complaint() {
        assert!(paths("fn f( {", &[]).is_err());
    }
}
