//! References that are announced to a service that runs, on a real broker: each is in force from its time on, whatever is
//! killed meanwhile, and the rows are those of a replay that knew of it from the start.

use super::broker;
use super::client;
use super::configurations::{DAY, Fold, Service, start_of, stop};
use super::process::Process;
use jiff::Timestamp;
use postdict::event::Profile;
use std::collections::BTreeSet;
use std::fs;

const MODEL: &str = "flight-late15";

/// Makes a profile of the flights in these times, and gives its id.
fn make_profile(service: &Service<'_>, name: &str, times: std::ops::Range<i64>) -> String {
    let path = |name: &str| service.folder.join(name).display().to_string();
    let chosen = service.predictions.iter().filter(|(time, _)| times.contains(time));
    fs::write(service.folder.join("chosen.ndjson"), chosen.map(|(_, line)| format!("{line}\n")).collect::<String>())
        .unwrap();
    let (status, said) = Process::run(&["profile", "--predictions", &path("chosen.ndjson"), "--out", &path(name)]);
    assert_eq!(status, Some(0), "{said}");
    Profile::from_json(&fs::read_to_string(service.folder.join(name)).unwrap()).unwrap().id.to_string()
}

/// The settings of the model, with these references.
fn settings(references: &str) -> String {
    format!("{{windows: [1d]}}\nmodels: {{{MODEL}: {{task: binary, reference: [{references}]}}}}")
}

fn time(time: i64) -> String {
    Timestamp::from_millisecond(time).unwrap().to_string()
}

fn announce(service: &Service<'_>, profile: &str, from: Option<i64>) -> (Option<i32>, String) {
    let path = service.folder.join(profile).display().to_string();
    let from = from.map(|from| ["--from".to_owned(), time(from)]);
    let mut words = vec!["references", "announce", &path];
    words.extend(from.iter().flatten().map(String::as_str));
    service.run(&words)
}

/// The references that rows of `days` name.
fn named(rows: &Fold, days: std::ops::Range<i64>) -> BTreeSet<String> {
    let of_days = rows.values().filter(|row| days.contains(&start_of(row)));
    of_days.filter_map(|row| Some(row["reference_id"].as_str()?.to_owned())).collect()
}

#[test]
fn an_announced_reference_is_in_force_from_its_time_on_whatever_is_killed() {
    let Some(broker) = broker::shared("announced") else { return };
    let service = Service::new(broker, "announced", "{windows: [1d]}", 9_000);
    let first_day = service.predictions[0].0 / DAY * DAY;
    let first = make_profile(&service, "first.json", first_day..first_day + 3 * DAY);
    let second = make_profile(&service, "second.json", first_day + 3 * DAY..first_day + 6 * DAY);
    let third = make_profile(&service, "third.json", first_day..first_day + 9 * DAY);
    let (noon, swap) = (first_day + 4 * DAY + DAY / 2, first_day + 5 * DAY);
    let of = |references: &str| service.configure(&settings(references));

    of("first.json");
    service.feed(0..noon);
    let mut program = service.start();
    service.wait_for(&mut program, &service.replayed(noon), &|_| true);

    // What cannot be is refused, at the door and behind it.
    for (from, why) in [(swap - DAY, "has passed"), (swap - 1, "within a window")] {
        let (status, said) = announce(&service, "second.json", Some(from));
        assert!(status == Some(2) && said.contains(why) && said.contains(&time(swap)), "{said}");
    }
    let topic = service.topic("references");
    let of_another = Profile { model_id: "another".into(), ..profile(&service, "second.json") }.with_id().to_json();
    for (key, value) in [
        ("garbage", "{}"),
        (&format!("{MODEL}@{}", time(swap)), "{}"),
        (&format!("{MODEL}@{}", time(swap)), &of_another),
    ] {
        client::write(&broker.bootstrap, [(topic.as_str(), 0, key.to_owned(), value.as_bytes().to_vec())]);
        program.wait_for("a reference is refused, and those that there were stay in force");
    }

    // The next day begins with another reference.
    let (status, said) = announce(&service, "second.json", None);
    assert!(status == Some(0) && said.contains(&second) && said.contains(&time(swap)), "{said}");
    program.wait_for(&format!("reference {second} is announced, from {} on", time(swap)));
    let (status, said) = service.run(&["references", "list"]);
    assert!(status == Some(0) && said.contains(&format!("{second}  from {}", time(swap))), "{said}");
    assert!(said.contains("refused: `garbage`"), "{said}");
    service.feed(noon..swap + DAY / 2);
    program.kill();

    let with_second = format!("first.json, {{profile: second.json, from: '{}'}}", time(swap));
    of(&with_second);
    let expected = service.replayed(swap + DAY / 2);
    of("first.json");
    let mut program = service.start();
    let rows = service.wait_for(&mut program, &expected, &|_| true);
    assert_eq!(named(&rows, 0..swap), BTreeSet::from([first.clone()]));
    assert_eq!(named(&rows, swap..i64::MAX), BTreeSet::from([second.clone()]));

    // One that comes too late, past the door: in force with the next windows.
    let late = format!("{MODEL}@{}", time(swap - DAY));
    let value = profile(&service, "third.json").to_json();
    client::write(&broker.bootstrap, [(topic.as_str(), 0, late, value.into_bytes())]);
    program.wait_for(&format!(
        "reference {third} is in force from {} on, not from {}",
        time(swap + DAY),
        time(swap - DAY)
    ));
    stop(program);
    service.feed(swap + DAY / 2..i64::MAX);
    of(&format!("{with_second}, {{profile: third.json, from: '{}'}}", time(swap + DAY)));
    let expected = service.replayed(i64::MAX);
    of("first.json");
    let mut program = service.start();
    let rows = service.wait_for(&mut program, &expected, &|_| true);
    assert_eq!(named(&rows, swap..swap + DAY), BTreeSet::from([second]));
    assert_eq!(named(&rows, swap + DAY..i64::MAX), BTreeSet::from([third]));
    assert!(rows.values().all(|row| row["undefined_reason"] != "reference_changed"), "no window mixes two");
    stop(program);
}

fn profile(service: &Service<'_>, name: &str) -> Profile {
    Profile::from_json(&fs::read_to_string(service.folder.join(name)).unwrap()).unwrap()
}

#[test]
fn a_reference_can_be_taken_back_before_it_is_in_force() {
    let Some(broker) = broker::shared("taken-back") else { return };
    let service = Service::new(broker, "taken-back", "{windows: [1d]}", 2_000);
    let day = service.predictions[0].0 / DAY * DAY;
    make_profile(&service, "p.json", 0..i64::MAX);
    let (status, said) = announce(&service, "p.json", None);
    assert!(status == Some(2) && said.contains("no prediction is there to go by"), "{said}");
    let path = service.folder.join("p.json").display().to_string();
    let (status, said) = service.run(&["references", "announce", &path, "--from", "beginning"]);
    assert!(status == Some(0) && said.contains("from the beginning on"), "{said}");
    service.feed(0..day + DAY / 2);
    let (status, said) = announce(&service, "p.json", Some(day + DAY));
    assert_eq!(status, Some(0), "{said}");
    let take_back = |from: i64| service.run(&["references", "take-back", MODEL, "--from", &time(from)]);
    assert!(take_back(day + 2 * DAY).1.contains("no reference of"), "it was never announced");
    assert_eq!(take_back(day + DAY).0, Some(0));
    assert!(!service.run(&["references", "list"]).1.contains(&time(day + DAY)));
    assert_eq!(announce(&service, "p.json", Some(day + DAY)).0, Some(0));
    service.feed(day + DAY / 2..i64::MAX);
    let (status, said) = take_back(day + DAY);
    assert!(status == Some(2) && said.contains("is in force"), "{said}");
}
