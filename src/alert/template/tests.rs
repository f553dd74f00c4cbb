//! What templates can do, and what becomes of those that cannot.

use super::*;
use crate::alert::summary::Subject;
use crate::event::alert::{AlertCause, AlertState, Presence, Severity};

fn context() -> Context {
    Context {
        rule: "silent".into(),
        alert_id: "0123456789abcdef".into(),
        state: AlertState::NoData,
        severity: Severity::Critical,
        cause: AlertCause::Time,
        model: "fraud & co".into(),
        version: "".into(),
        segment: "".into(),
        feature: None,
        class: None,
        predicted_class: None,
        subject: Subject::Absence { of: Presence::Labels, for_ms: 5_400_000, since_ms: None },
        open_ms: None,
        suppressed_by: None,
        acknowledged_by: None,
        labels: [("team".into(), "risk".into())].into(),
    }
}

fn render(text: &str) -> String {
    Template::new(text).expect("it can be read").render(&context())
}

#[test]
fn values_and_filters_are_there() {
    for (text, line) in [
        ("{{ model }}: {{ absent }} ({{ severity | upper }})", "fraud & co: labels (CRITICAL)"),
        ("https://x.example/{{ model | urlencode }}?a=1&b=<c>", "https://x.example/fraud%20%26%20co?a=1&b=<c>"),
        ("{{ absent_ms | duration }}, {{ 0.92 | percent }}, {{ 12345.6 | number }}", "1 h 30 min, 92 %, 12,346"),
        ("{{ labels.team }}{% if value is none %}, no value{% endif %}", "risk, no value"),
        ("{{ labels.pager | default('nobody') }}", "nobody"),
        ("two\n  {% if version %}v{{ version }}{% endif %}\nlines", "two lines"),
        ("{{ summary }}!", "fraud & co: no labels for 1 h 30 min!"),
    ] {
        assert_eq!(render(text), line, "{text}");
    }
}

#[test]
fn a_failure_is_told_behind_the_built_in_line() {
    for (text, why) in [
        ("{{ labels.pager }}", "line 1: undefined value"),
        ("a\n{{ value + 1 }}", "line 2: invalid operation"),
        ("{{ members | first }}", "line 1: undefined value"),
    ] {
        let line = render(text);
        let expected = format!("fraud & co: no labels for 1 h 30 min [its template fails: {why}");
        assert!(line.starts_with(&expected) && line.ends_with(']'), "{line}");
        assert!(Template::new(text).unwrap().try_render(&context()).is_err());
    }
}

#[test]
fn endless_texts_are_cut_and_endless_work_stops() {
    let long = render("{% for a in 'x' * 100 %}{% for b in 'y' * 100 %}é{% endfor %}{% endfor %}");
    assert!(long.chars().count() == MOST && long.ends_with('…'), "{long}");
    let work = render("{% for a in 'x' * 1000 %}{% for b in 'y' * 1000 %}{% endfor %}{% endfor %}");
    assert!(work.contains("out of fuel"), "{work}");
}

#[test]
fn good_templates_pass() {
    for text in [
        "",
        "plain",
        "{{ model }} {{ value | round(2) }} {{ lower }}–{{ upper }} of {{ window }}",
        "{% for w in worst %}{{ w.name }} {{ w.value | number(3) }} {% endfor %}",
        "{{ labels.team }} {{ labels.anything | upper }}",
        "{% set name = model ~ version %}{{ name }} {{ '|colour' }}",
        "{% if coverage is number and coverage < 0.5 %}half{% endif %}",
    ] {
        assert_eq!(check(text), Ok(()), "{text}");
    }
}

#[test]
fn bad_templates_are_found_with_line_and_name() {
    for (text, error) in [
        ("a\n{{ modle }}", "line 2: unknown variable `modle`, did you mean `model`?"),
        ("{{ colour }}", "line 1: unknown variable `colour`"),
        ("modle\n\n{% if modle %}{% endif %}", "line 3: unknown variable `modle`, did you mean `model`?"),
        ("{{ model | uper }}", "line 1: unknown filter `uper`, did you mean `upper`?"),
        ("{% if not model %}\n{{ model | titel }}{% endif %}", "line 2: unknown filter `titel`, did you mean `title`?"),
        ("{{ range(3) }}", "line 1: unknown variable `range`"),
    ] {
        assert_eq!(check(text), Err(error.to_owned()), "{text}");
    }
    for (text, begin) in [
        ("x\n{{ model", "line 2: syntax error"),
        ("{% if model %}", "line 1: syntax error"),
        ("{{ model is odd }}", "line 1: unknown test"),
        ("{{ worst[3].name }}", "line 1: undefined value"),
        ("{% include 'x' %}", "line 1: "),
    ] {
        let error = check(text).unwrap_err();
        assert!(error.starts_with(begin), "{text}: {error}");
    }
}

#[test]
fn every_name_is_known_to_the_engine() {
    for name in VARIABLES {
        assert_eq!(check(&format!("{{{{ {name} }}}}")), Ok(()), "{name}");
    }
    for name in FILTERS {
        let text = format!("{{{{ 1 | {name} }}}}");
        let error = Template::new(&text).unwrap().try_render(&context()).err().unwrap_or_default();
        assert!(!error.contains("unknown filter"), "{name}: {error}");
    }
    for name in TESTS {
        let text = format!("{{{{ 1 is {name} }}}}");
        let error = Template::new(&text).unwrap().try_render(&context()).err().unwrap_or_default();
        assert!(!error.contains("unknown test"), "{name}: {error}");
    }
}
