//! Tests of what people say of alerts: what is wrong with it, and what it is about.

use super::*;
use crate::event::AlertRow;
use crate::event::alert::AlertState;
use clap::Parser;

/// The words of `postdict alerts silence`.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    words: SilenceWords,
}

const NOW: Millis = 1_777_593_600_000;

fn silenced(words: &str) -> Result<Silence, Vec<String>> {
    let words = words.split_whitespace().map(|word| if word == "EMPTY" { "" } else { word });
    silence(&Line::parse_from(["silence"].into_iter().chain(words)).words, NOW)
}

fn acknowledgement(started_at: Millis) -> Acknowledgement {
    Acknowledgement { started_at, by: "ada".into(), comment: "".into(), at_ms: 0 }
}

#[test]
fn a_silence_says_which_alerts_and_until_when() {
    let said = silenced("--rule recall* --segment EMPTY --up-to warning --for 1h30m --by ada --comment deploying");
    let said = said.expect("nothing is wrong");
    assert_eq!((said.from_ms, said.to_ms), (NOW, NOW + 5_400_000));
    assert_eq!((&*said.by, &*said.comment), ("ada", "deploying"));
    assert_eq!(matched(&said.matcher), "rule `recall*`, segment ``, up to `warning`");
    let said = silenced("--alert 4f1d --until 2026-05-02 --by ada").expect("nothing is wrong");
    assert_eq!((said.to_ms, matched(&said.matcher)), (NOW + 86_400_000, "alert `4f1d`".to_owned()));
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let cases: [(&str, &[&str]); 5] = [
        ("--by EMPTY", &["which alerts?", "until when?", "nobody says so"]),
        ("--up-to bad --for 2 --by ada", &["write info, warning or critical", "`2` is no duration"]),
        ("--model * --for 1h --until 2027-01-01 --by ada", &["leave one of them out"]),
        ("--model * --until 2026-04-30 --by ada", &["2026-04-30T00:00:00Z, which is over"]),
        ("--model * --until tomorrow --by ada", &["`tomorrow` is no instant"]),
    ];
    for (words, parts) in cases {
        let problems = silenced(words).expect_err(words);
        assert_eq!(problems.len(), parts.len(), "{words}: {problems:?}");
        for (problem, part) in problems.iter().zip(parts) {
            assert!(problem.contains(part), "{words}: `{part}` is not in {problem}");
        }
    }
}

#[test]
fn what_is_taken_back_is_found_by_how_its_id_begins() {
    let mut said = Said::default();
    let silence = silenced("--model * --for 1h --by ada").expect("nothing is wrong");
    for id in ["ab12", "ab13", "ab"] {
        said.control.silences.insert(id.into(), silence.clone());
    }
    said.control.acknowledgements.insert("cd34".into(), acknowledgement(0));
    said.refused.push(("silence:broken".to_owned(), "its value cannot be read".to_owned()));
    for (id, key) in [
        ("ab12", "silence:ab12"),
        ("ab", "silence:ab"),
        ("c", "acknowledgement:cd34"),
        ("silence:broken", "silence:broken"),
    ] {
        let record = taken_back(&said, id).unwrap_or_else(|why| panic!("{why}"));
        assert_eq!((record.key().as_str(), record.value()), (key, None));
    }
    for (id, why) in [("a", "3 silences"), ("ef", "no silence"), ("broken", "no silence")] {
        assert!(taken_back(&said, id).is_err_and(|said| said.contains(why)), "{id}");
    }
    let listed = listed(&said);
    for part in ["ab12     2026-05-01T01:00:00Z  ada  model `*`", "cd34", "refused: `silence:broken`"] {
        assert!(listed.contains(part), "`{part}` is not in {listed}");
    }
}

#[test]
fn acknowledgements_of_what_is_over_are_tidied_away() {
    let row = |id: &str, state, started_at| AlertRow {
        alert_id: id.into(),
        state,
        started_at: Some(started_at),
        ..serde_json::from_str(include_str!("../../../schemas/examples/alerts.json")).expect("an example")
    };
    let mut fold = Fold::default();
    for row in
        [row("open", AlertState::Firing, 1), row("over", AlertState::Resolved, 1), row("again", AlertState::Firing, 2)]
    {
        fold.take(0, None, Some(Ok(row)));
    }
    let mut said = Said::default();
    for id in ["open", "over", "again", "unknown"] {
        said.control.acknowledgements.insert(id.into(), acknowledgement(1));
    }
    let keys: Vec<String> = outdated(&said, &fold).iter().map(ControlRecord::key).collect();
    assert_eq!(keys, ["acknowledgement:again", "acknowledgement:over"]);
}
