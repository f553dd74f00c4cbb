//! Windows that are final as profiles, as `replay` writes them: hours add up to days and to the profile of all raw rows, and
//! each is a profile that can be shown and referred to.

use super::command_line::folder;
use postdict::event::{Moments, Profile};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_postdict")).current_dir(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn flights(role: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("data/flights/{role}.ndjson.gz"));
    path.to_str().unwrap().to_owned()
}

/// Numbers, mean, and sum of squared differences from it: what schemas/profile.md says how to add.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    n: f64,
    mean: f64,
    squares: f64,
    range: Option<(f64, f64)>,
}

impl Sum {
    fn add(&mut self, n: i64, moments: Moments) {
        let (n, Moments { mean, std, min, max }) = (n as f64, moments);
        let (all, apart) = (self.n + n, mean - self.mean);
        self.squares += n * std * std + apart * apart * self.n * n / all;
        self.mean += apart * n / all;
        self.n = all;
        self.range = Some(self.range.map_or((min, max), |(low, high)| (low.min(min), high.max(max))));
    }

    fn assert_is(&self, moments: Moments, name: &str) {
        let is_close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b.abs().max(1.0);
        assert_eq!(self.range, Some((moments.min, moments.max)), "{name}");
        assert!(is_close(self.mean, moments.mean), "{name}: {self:?}, {moments:?}");
        assert!(is_close((self.squares / self.n).sqrt(), moments.std), "{name}: {self:?}, {moments:?}");
    }
}

/// Holds the sum of `parts` against `whole`: counts exactly, moments as far as rounded ones can be added.
fn assert_add_up(parts: &[&Profile], whole: &Profile) {
    assert_eq!(parts.iter().map(|part| part.rows).sum::<i64>(), whole.rows);
    for (place, feature) in whole.features.iter().enumerate() {
        let (mut counts, mut sum) = (vec![0; feature.bins.len()], Sum::default());
        for of_part in parts.iter().map(|part| &part.features[place]) {
            assert_eq!((&of_part.name, &of_part.bins), (&feature.name, &feature.bins));
            counts.iter_mut().zip(&of_part.counts).for_each(|(count, more)| *count += more);
            let numbers = of_part.counts[..of_part.counts.len() - 2].iter().sum();
            of_part.moments.iter().for_each(|moments| sum.add(numbers, *moments));
        }
        assert_eq!(counts, feature.counts, "{}", feature.name);
        feature.moments.iter().for_each(|moments| sum.assert_is(*moments, &feature.name));
    }
}

#[test]
fn hours_add_up_to_days_and_to_the_profile_of_all_rows() {
    let folder = folder("closed_windows");
    let (predictions, labels) = (flights("predictions"), flights("labels"));
    run(&folder, &["profile", "-q", "--predictions", &predictions, "--out", "whole.json"]);
    let whole = Profile::from_json(&fs::read_to_string(folder.join("whole.json")).unwrap()).unwrap();
    let config = "models: {flight-late15: {task: binary, windows: [1h, 1d], reference: whole.json}}\n";
    fs::write(folder.join("postdict.yaml"), config).unwrap();
    let replay = ["replay", "-c", "postdict.yaml", "-q", "--predictions", &predictions, "--labels", &labels];
    run(&folder, &[&replay[..], &["--profiles", "--out", "out"]].concat());
    let lines = fs::read_to_string(folder.join("out/profiles.ndjson")).unwrap();
    let mut by_size: BTreeMap<i64, Vec<Profile>> = BTreeMap::new();
    for line in lines.lines() {
        let profile = Profile::from_json(line).unwrap();
        let window = profile.window.as_ref().expect("a window");
        assert_eq!(window.reference_id, whole.id);
        if window.model_version.is_empty() {
            by_size.entry(window.size_ms).or_default().push(profile);
        }
    }
    let (hours, days) = (&by_size[&HOUR], &by_size[&DAY]);
    assert!(hours.len() > 200 && days.len() > 20, "{} hours, {} days", hours.len(), days.len());
    assert_add_up(&hours.iter().collect::<Vec<_>>(), &whole);
    assert_add_up(&days.iter().collect::<Vec<_>>(), &whole);
    for day in days {
        let is_in = |hour: &&Profile| day.first_ms <= hour.first_ms && hour.last_ms <= day.last_ms;
        assert_add_up(&hours.iter().filter(is_in).collect::<Vec<_>>(), day);
    }

    // What `profile merge` makes of them is what they add up to.
    let one_a_line = |profiles: &[Profile]| profiles.iter().map(Profile::to_json_line).collect::<Vec<_>>().join("\n");
    fs::write(folder.join("hours.ndjson"), one_a_line(hours)).unwrap();
    fs::write(folder.join("days.ndjson"), one_a_line(days)).unwrap();
    run(&folder, &["profile", "merge", "hours.ndjson", "--out", "merged.json"]);
    let merged = Profile::from_json(&fs::read_to_string(folder.join("merged.json")).unwrap()).unwrap();
    assert_add_up(&[&merged], &whole);
    let refused = Command::new(env!("CARGO_BIN_EXE_postdict"))
        .current_dir(&folder)
        .args(["profile", "merge", "hours.ndjson", "days.ndjson", "--out", "twice.json"])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("overlap in time"), "rows would count twice");
    assert!(!folder.join("twice.json").exists());

    // A line is a profile like any other.
    fs::write(folder.join("day.json"), days[3].to_json_line()).unwrap();
    let shown = run(&folder, &["profile", "show", "day.json"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    for says in [&days[3].id.to_string(), "window       1d of all versions\n", &format!("bins of      {}", whole.id)] {
        assert!(shown.contains(says), "no {says} in\n{shown}");
    }
    let replay = ["replay", "-q", "--predictions", &predictions, "--labels", &labels, "--reference", "day.json"];
    run(&folder, &[&replay[..], &["--out", "compared"]].concat());
    let rows = fs::read_to_string(folder.join("compared/metrics.ndjson")).unwrap();
    assert!(rows.contains(&days[3].id.to_string()), "windows are compared with the day");
    assert!(!folder.join("compared/profiles.ndjson").exists());
}
