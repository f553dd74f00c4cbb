//! What the README shows is so: its configurations are free of problems, and the service says what it is quoted as saying.

use super::text;
use crate::command_line::folder;
use crate::tidy::rust_files;
use std::fs;

/// The blocks of a language, without the indentation of the list they may stand in.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let (mut found, mut open): (Vec<String>, Option<usize>) = (Vec::new(), None);
    for line in text.lines() {
        let indentation = line.len() - line.trim_start().len();
        match open {
            Some(_) if line.trim() == "```" => open = None,
            Some(indentation) => {
                let block = found.last_mut().expect("a block is open");
                block.push_str(line.get(indentation..).unwrap_or_default());
                block.push('\n');
            }
            None if line.trim() == format!("```{language}") => {
                open = Some(indentation);
                found.push(String::new());
            }
            None => {}
        }
    }
    found
}

/// Phrases that the service is quoted with: of the table under its heading, what stands in backticks in the right column.
/// A `…` stands for what differs.
fn quoted(text: &str) -> Vec<String> {
    let table = text.split("| what happened | what it says |").nth(1).expect("the table").split("\n\n").next();
    let rows = table.unwrap_or_default().lines().filter_map(|row| row.split('|').nth(2));
    let phrases = rows.flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>());
    let is_phrase = |phrase: &String| phrase.contains(' ') && !phrase.starts_with("postdict ");
    phrases.map(|phrase| phrase.replace('…', "").trim().to_owned()).filter(is_phrase).collect()
}

/// Source as one text: continued strings joined, marks within them removed.
fn source() -> String {
    let files = rust_files();
    let source = files.iter().filter(|file| file.path.starts_with("src/")).map(|file| file.text.as_str());
    let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    words(source.collect::<String>().replace("\\\n", " ")).replace('`', "")
}

#[test]
fn its_configurations_are_free_of_problems() {
    let folder = folder("readme");
    let blocks = blocks(&text("README.md"), "yaml");
    assert!(blocks.len() >= 3, "the scan sees them");
    for block in blocks {
        let file = folder.join("postdict.yaml");
        fs::write(&file, &block).unwrap();
        let config = postdict::config::load(&file).unwrap_or_else(|problems| panic!("{problems}\n{block}"));
        assert!(config.warnings.is_empty(), "{}\n{block}", config.warnings);
    }
}

#[test]
fn the_service_says_what_it_is_quoted_with() {
    let (source, quoted) = (source(), quoted(&text("README.md")));
    assert!(quoted.len() >= 8, "{quoted:?}");
    for phrase in quoted {
        assert!(source.contains(&phrase), "nothing says: {phrase}");
    }
}

#[test]
fn an_indented_block_is_read() {
    let text = "1. x\n\n   ```yaml\n   a:\n     b: 1\n   ```\n```sh\nls\n```\n";
    assert_eq!(blocks(text, "yaml"), ["a:\n  b: 1\n"]);
    assert_eq!(
        quoted("| what happened | what it says |\n| --- | --- |\n| a `b c` | `goes on at …`; `x` |\n\n`no no`"),
        ["goes on at"]
    );
}
