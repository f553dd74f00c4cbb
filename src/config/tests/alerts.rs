//! Rules of alerts that are right: what they mean, for which models, and in files of their own.

use super::*;
use crate::event::Weekday;
use crate::event::alert::{
    ActiveHours, AlertCaps, AlertRule, AlertSettings, Baseline, BySeverity, Condition, Gates, Limits, Maintenance,
    Maturity, Pattern, Presence, Selector, Severity as Level, Side, Unit, Watch,
};
use std::sync::Arc;

/// Every key at least once.
const EXAMPLE: &str = r#"alerts:
  caps: {series: 500, history: 2000, open: 10, listed: 5}
  maintenance:
    - {from: 2026-01-01T02:00:00Z, to: 2026-01-01T04:00:00Z, model: "fraud*"}
    - {from: 2026-02-01, to: 2026-02-02}
defaults: {alerts: none}
models:
  fraud:
    task: binary
    windows: [1h, 1d]
    segments: [country]
    features: {amount: numeric}
    detectors: {adwin: {}}
    alerts:
      - id: recall-low
        metric: recall
        min: 0.8
        severity: critical
        certain: true
        version: "*"
        segment: "country=*"
        window: 1d
        min_count: 100
        provisional: true
        maturity: {coverage: 80%, wait: 7d}
        fire: {windows: 3, of: 4}
        clear_after: 2
        cooldown: 6h
        warm_up: 1d
        active: {days: [friday, monday], from: "08:00", to: "18:00", offset: "-01:30"}
        inhibited_by: [silent]
        repeat: 1d
        group: true
        labels: {team: risk, tier: 1}
        summary: "recall is low"
        dashboard: "https://example.org/fraud"
        runbook: "https://example.org/recall"
      - {id: recall-two-levels, metric: recall, warning: {min: 0.85}, critical: {min: 0.8}, clear: {min: 0.87}}
      - {id: auc-drop, metric: roc_auc, compared_with: previous, fall: 5%, clear: {fall: 2%}}
      - id: auc-far
        metric: roc_auc
        compared_with: {season: 7d, seasons: 4}
        warning: {fall: 0.05, rise: 0.1}
        critical: {fall: 0.1}
        fire: 2
      - {id: odd-score, metric: mean_score, dynamic: {trailing: 28}, side: below, alpha: 0.01, least: 0.02, severity: info}
      - {id: odd-week, metric: mean_score, dynamic: {season: 7d, seasons: 8}, warning: {alpha: 0.01}, critical: {alpha: 0.0001}}
      - {id: drift, metric: drifted, feature: "a*", reference: previous, notify: false}
      - {id: adwin, metric: adwin_drift, severity: critical}
      - {id: silent, absent: predictions, for: 2h, severity: critical}
      - {id: quiet, absent: version, for: 3 windows}
      - {id: both, all_of: [recall-low, drift], cooldown: 1h}
      - {id: either, any_of: [drift, adwin], severity: info}
"#;

fn pattern(text: &str) -> Option<Pattern> {
    Some(Pattern::new(text))
}

fn rule(id: &str, watch: Watch) -> AlertRule {
    AlertRule {
        id: id.into(),
        watch,
        gates: Gates::default(),
        repeat_ms: None,
        group: false,
        notify: true,
        labels: Default::default(),
        summary: None,
        dashboard: None,
        runbook: None,
    }
}

fn on(id: &str, metric: &str, condition: Condition) -> AlertRule {
    rule(id, Watch::Metric { metric: metric.into(), select: Selector::default(), condition })
}

fn limits(min: Option<f64>, max: Option<f64>) -> Limits {
    Limits { min, max }
}

fn fixed<const N: usize>(limits: [(Level, Limits); N], certain: bool) -> Condition {
    Condition::Static { limits: BySeverity(limits.to_vec()), certain }
}

fn relative<const N: usize>(baseline: Baseline, unit: Unit, limits: [(Level, Limits); N]) -> Condition {
    Condition::Relative { baseline, unit, limits: BySeverity(limits.to_vec()), certain: false }
}

fn recall_low() -> AlertRule {
    let condition = fixed([(Level::Critical, limits(Some(0.8), None))], true);
    let select = Selector {
        version: pattern("*"),
        segment: pattern("country=*"),
        window_size_ms: Some(DAY),
        ..Selector::default()
    };
    AlertRule {
        gates: Gates {
            min_count: 100,
            provisional: true,
            maturity: Maturity { coverage: 0.8, wait_ms: Some(7 * DAY) },
            fire: 3,
            of: 4,
            clear: 2,
            clear_limits: None,
            cooldown_ms: 6 * HOUR,
            warm_up_ms: DAY,
            active: Some(ActiveHours {
                days: vec![Weekday::Monday, Weekday::Friday],
                from_minute: 480,
                to_minute: 1080,
                offset_minutes: -90,
            }),
            inhibited_by: vec!["silent".into()],
        },
        repeat_ms: Some(DAY),
        group: true,
        labels: [("team".into(), "risk".into()), ("tier".into(), "1".into())].into(),
        summary: Some("recall is low".into()),
        dashboard: Some("https://example.org/fraud".into()),
        runbook: Some("https://example.org/recall".into()),
        ..rule("recall-low", Watch::Metric { metric: "recall".into(), select, condition })
    }
}

fn with_clear(rule: AlertRule, clear: Limits) -> AlertRule {
    AlertRule { gates: Gates { clear_limits: Some(clear), ..rule.gates.clone() }, ..rule }
}

fn wanted_rules() -> Vec<AlertRule> {
    use Level::{Critical, Info, Warning};
    let two_levels = fixed([(Warning, limits(Some(0.85), None)), (Critical, limits(Some(0.8), None))], false);
    let drop = relative(Baseline::Previous, Unit::Percent, [(Warning, limits(Some(-5.0), None))]);
    let season = Baseline::Season { ms: 7 * DAY, seasons: 4 };
    let far = [(Warning, limits(Some(-0.05), Some(0.1))), (Critical, limits(Some(-0.1), None))];
    let far = on("auc-far", "roc_auc", relative(season, Unit::Absolute, far));
    let odd_score = Condition::Dynamic {
        baseline: Baseline::Trailing { windows: 28 },
        alpha: BySeverity(vec![(Info, 0.01)]),
        side: Side::Below,
        least: 0.02,
    };
    let odd_week = Condition::Dynamic {
        baseline: Baseline::Season { ms: 7 * DAY, seasons: 8 },
        alpha: BySeverity(vec![(Warning, 0.01), (Critical, 0.0001)]),
        side: Side::Both,
        least: 0.0,
    };
    let select = Selector { feature: pattern("a*"), reference_kind: Some("previous".into()), ..Selector::default() };
    let drifted = fixed([(Warning, limits(None, Some(0.0)))], false);
    let drift = Watch::Metric { metric: "drifted".into(), select, condition: drifted };
    let absence = |of, for_ms, severity| Watch::Absence { of, for_ms, severity, model: None };
    let of_rules = |rules: [&str; 2], all, severity| {
        let rules = rules.map(Arc::from).to_vec();
        Watch::Rules { rules, all, severity }
    };
    let both = rule("both", of_rules(["recall-low", "drift"], true, None));
    vec![
        recall_low(),
        with_clear(on("recall-two-levels", "recall", two_levels), limits(Some(0.87), None)),
        with_clear(on("auc-drop", "roc_auc", drop), limits(Some(-2.0), None)),
        AlertRule { gates: Gates { fire: 2, of: 2, ..Gates::default() }, ..far },
        on("odd-score", "mean_score", odd_score),
        on("odd-week", "mean_score", odd_week),
        AlertRule { notify: false, ..rule("drift", drift) },
        on("adwin", "adwin_drift", fixed([(Critical, limits(None, Some(0.0)))], false)),
        rule("silent", absence(Presence::Predictions, 2 * HOUR, Critical)),
        rule("quiet", absence(Presence::Version, 3 * HOUR, Warning)),
        AlertRule { gates: Gates { cooldown_ms: HOUR, ..Gates::default() }, ..both },
        rule("either", of_rules(["drift", "adwin"], false, Some(Info))),
    ]
}

#[test]
fn every_key_of_a_rule_arrives() {
    let config = right(EXAMPLE);
    let wanted = AlertSettings {
        defaults: Arc::default(),
        models: [("fraud".to_owned(), Arc::new(wanted_rules()))].into(),
        maintenance: vec![
            Maintenance { from_ms: 1_767_232_800_000, to_ms: 1_767_240_000_000, model: pattern("fraud*") },
            Maintenance { from_ms: 1_769_904_000_000, to_ms: 1_769_990_400_000, model: None },
        ],
        caps: AlertCaps { series: 500, history: 2000, open: 10, listed: 5 },
    };
    for (rule, wanted) in config.settings.alerts.rules("fraud").iter().zip(wanted.rules("fraud").iter()) {
        assert_eq!(rule, wanted);
    }
    assert_eq!(*config.settings.alerts, wanted);
}

#[test]
fn a_rule_needs_little() {
    let config = right("models: {m: {alerts: [{id: r, metric: mean_score, dynamic: {trailing: 28}}]}}");
    let condition = Condition::Dynamic {
        baseline: Baseline::Trailing { windows: 28 },
        alpha: BySeverity(vec![(Level::Warning, 0.001)]),
        side: Side::Both,
        least: 0.0,
    };
    assert_eq!(**config.settings.alerts.rules("m"), [on("r", "mean_score", condition)]);
}

#[test]
fn models_without_rules_have_those_of_the_defaults_and_these_the_built_in_ones() {
    let ids = |config: &Config, model: &str| -> Vec<String> {
        config.settings.alerts.rules(model).iter().map(|rule| rule.id.to_string()).collect()
    };
    let own = "models: {own: {alerts: [{id: r, metric: f1, min: 0.5}]}, none: {alerts: none}, other: {}}";
    let config = right(own);
    assert_eq!((ids(&config, "own"), ids(&config, "none")), (vec!["r".to_owned()], Vec::new()));
    let built_in = ids(&config, "other");
    assert!(built_in.len() > 5 && built_in == ids(&config, "not named") && built_in == ids(&right("{}"), "m"));
    let config = right(&format!("{own}\ndefaults: {{alerts: [{{id: d, metric: mcc, min: 0.1}}]}}"));
    assert_eq!((ids(&config, "own"), ids(&config, "other")), (vec!["r".to_owned()], vec!["d".to_owned()]));
    assert!(right("defaults: {alerts: none}").settings.alerts.is_empty());
}

#[test]
fn a_number_of_windows_is_of_the_smallest_of_each_model() {
    let silence = |config: &Config, model: &str| -> Vec<Millis> {
        let rules = config.settings.alerts.rules(model).iter();
        rules
            .filter_map(|rule| if let Watch::Absence { for_ms, .. } = rule.watch { Some(for_ms) } else { None })
            .collect()
    };
    let config = right("models: {hours: {windows: [6h, 1h]}, days: {windows: [1d]}, as-all: {}}");
    assert_eq!((silence(&config, "hours"), silence(&config, "days")), (vec![3 * HOUR], vec![3 * DAY]));
    let named: Vec<&String> = config.settings.alerts.models.keys().collect();
    assert_eq!(named, ["hours"], "the others have the windows of the defaults");
}

#[test]
fn the_built_in_rules_can_be_written_as_they_are() {
    let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/config/alerts/default_rules.yaml"));
    let config = Config::default();
    let read = parse_rules(text, "rules.yaml", &config).map_err(|problems| problems.to_string());
    let Ok((settings, _)) = read else { panic!("{read:?}") };
    assert_eq!(settings, *config.settings.alerts);
    let indented: Vec<String> = text.lines().map(|line| format!("    {line}")).collect();
    let own = format!("models:\n  m:\n{}", indented.join("\n").replace("    rules:", "    alerts:"));
    let config = parse_text(&own).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(*config.settings.alerts.rules("m"), settings.defaults);
}

#[test]
fn what_the_readme_shows_of_alerts_is_right() {
    let readme = include_str!("../../../README.md");
    let section = readme.split("\n### Alerts\n").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap_or_default();
    let shown: Vec<&str> = section.split("```").filter_map(|part| part.strip_prefix("yaml\n")).collect();
    assert_eq!(shown.len(), 2);
    for text in shown {
        right(text);
    }
    for rule in Config::default().settings.alerts.defaults.iter() {
        assert!(section.contains(&format!("`{}`", rule.id)), "{} is not named", rule.id);
    }
}

#[test]
fn rules_in_a_file_stand_in_the_place_of_those_of_the_configuration() {
    let config = right("models: {a: {alerts: [{id: r, metric: f1, min: 0.5}]}, b: {windows: [1h], alerts: none}}");
    let text = "caps: {open: 5}\nmaintenance: [{from: 2026-01-01, to: 2026-01-02}]\nrules:
  - {id: s, metric: f1, max: 0.9, model: a, window: 1d}
  - {id: t, absent: labels, for: 2 windows, model: '*'}\n";
    let (settings, warnings) = parse_rules(text, "r.yaml", &config).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(warnings.is_empty(), "{warnings}");
    assert_eq!((settings.caps.open, settings.maintenance.len(), settings.defaults.len()), (5, 1, 2));
    let model = |settings: &AlertSettings| match &settings.defaults[0].watch {
        Watch::Metric { select, .. } => select.model.clone(),
        _ => None,
    };
    assert_eq!((model(&settings), settings.models.len()), (pattern("a"), 1), "`b` has other windows");
    for (text, said) in [
        ("rules: [{id: s, metric: f1, max: 0.9, model: b, window: 1d}]", "`b` has no windows of `1d`"),
        ("{}", "missing key `rules`"),
        ("", "is empty"),
        ("rules: [", "not valid YAML"),
        ("rules: none\nmodels: {}", "unknown key `models`"),
    ] {
        let Err(problems) = parse_rules(text, "r.yaml", &config) else { panic!("{text}: accepted") };
        assert!(problems.to_string().contains(said), "{problems}");
    }
    let missing = load_rules(Path::new("nothing.yaml"), &config).map_err(|problems| problems.to_string());
    assert!(missing.is_err_and(|shown| shown.contains("cannot read the rules") && shown.contains("`rules: […]`")));
}

#[test]
fn ten_thousand_rules_are_read_and_so_are_as_many_mistakes() {
    let rules = |wrong: &str| -> String {
        let line = |n| {
            let by = if n > 0 { format!("r{}{wrong}", n - 1) } else { "r1".to_owned() };
            format!("  - {{id: r{n}, metric: recall, min: 0.5, inhibited_by: [{by}], model: 'm{}'}}\n", n % 100)
        };
        format!("rules:\n{}", (0..10_000).map(line).collect::<String>())
    };
    let text = rules("").replacen("[r1]", "[r9999]", 1);
    let Err(problems) = parse_rules(&text, "r.yaml", &Config::default()) else {
        panic!("a round of rules is accepted")
    };
    assert_eq!(problems.list().len(), 1, "all of them inhibit each other, which is said once");
    let right = text.replacen(", inhibited_by: [r9999]", "", 1);
    let read = parse_rules(&right, "r.yaml", &Config::default()).map(|(settings, _)| settings.defaults.len());
    assert_eq!(read.map_err(|problems| problems.to_string()), Ok(10_000));
    let Err(problems) = parse_rules(&rules("x"), "r.yaml", &Config::default()) else { panic!("accepted") };
    assert_eq!(problems.list().len(), 9_999);
}

#[test]
fn no_beginning_of_a_configuration_panics() {
    for (end, _) in EXAMPLE.char_indices() {
        if let Err(problems) = parse_text(&EXAMPLE[..end]) {
            assert!(problems.has_errors() && problems.to_string().contains("error"), "{end}");
        }
    }
}

proptest! {
    #[test]
    fn no_rule_panics_and_every_error_can_be_shown(
        text in "(id: r|metric: recall|metric: drifted|min: 0.8|dynamic|compared_with: |trailing: 7|fire: |active: |[0-9%:.-]{1,4}|any_of: \\[r\\]|absent: labels|for: |3 windows|[{}\\[\\],]|[ \n]){0,30}",
    ) {
        if let Err(problems) = parse_text(&format!("defaults: {{alerts: [{{{text}}}]}}")) {
            prop_assert!(problems.has_errors());
            prop_assert!(problems.to_string().contains("error"));
        }
    }
}
