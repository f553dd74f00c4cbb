//! What people say of alerts changes what a running service tells, is not forgotten when it is killed, and is known to whoever
//! takes over.

use super::alerting::Alerting;
use super::broker;
use postdict::event::AlertRow;
use postdict::event::alert::{AlertCause, AlertState, Severity};

/// Fires at more than ten predictions in a minute, more badly at more than thirty.
const BUSY: &str = "{id: busy, metric: predictions, warning: {max: 10}, critical: {max: 30}, min_count: 1}";

type Told<'r> = (AlertState, AlertCause, Option<&'r str>, Option<&'r str>);

/// State, cause, who looks after it, and why nobody is told.
fn told(row: &AlertRow) -> Told<'_> {
    (row.state, row.cause, row.acknowledged_by.as_deref(), row.suppressed_by.as_deref())
}

#[test]
fn silences_and_acknowledgements_hold_across_kills_and_hand_over_until_they_are_taken_back() {
    use AlertCause::{Acknowledgement, Time, Window};
    use AlertState::{Firing, Pending, Resolved};
    let Some(broker) = broker::shared("silences_and_acknowledgements_hold") else { return };
    let alerting = Alerting::new(broker, "said", BUSY);
    let (quiet, loud) = ("quiet", "loud");
    let predict = |minute, count| [quiet, loud].into_iter().for_each(|model| alerting.predict(model, minute, count));

    let mut first = alerting.deployment.start_as("a");
    first.wait_for("the topic of control is read to its end");
    alerting.say(&["silence", "--model", quiet, "--for", "1h", "--by", "ada", "--comment", "a load test"]);
    // It is in force with the next commit after it was read.
    first.wait_for("people have said something of alerts");
    predict(0, 20);
    [quiet, loud].into_iter().for_each(|model| alerting.wait_until_predicted(model, 20, &mut first));
    alerting.come_to(3);
    let row = alerting.wait_for(loud, 1, &mut first);
    assert_eq!((told(&row), row.severity), ((Firing, Window, None, None), Severity::Warning));
    let row = alerting.wait_for(quiet, 1, &mut first);
    assert_eq!(told(&row), (Pending, Window, None, Some("silence")));

    let id = alerting.told(loud)[0].alert_id.to_string();
    alerting.say(&["acknowledge", &id[..8], "--by", "bob", "--comment", "rolling back"]);
    let row = alerting.wait_for(loud, 2, &mut first);
    assert_eq!(told(&row), (Firing, Acknowledgement, Some("bob"), None));

    // It is killed, and the one that comes after it goes on: what is worse is told, and nothing again.
    first.kill();
    let mut second = alerting.deployment.start_as("a");
    predict(4, 20);
    alerting.come_to(7);
    predict(8, 40);
    alerting.come_to(11);
    let row = alerting.wait_for(loud, 3, &mut second);
    assert_eq!((told(&row), row.severity), ((Firing, Window, Some("bob"), None), Severity::Critical));
    assert_eq!(alerting.told(quiet).len(), 1, "it is silenced still");

    // Another process takes over everything.
    let mut third = alerting.deployment.start_as("b");
    alerting.wait_for_owners(2, &mut second);
    second.stopped();
    alerting.wait_for_owners(1, &mut third);
    let silences = alerting.say(&["silences"]);
    let silence =
        silences.lines().find(|line| line.contains("`quiet`")).and_then(|line| line.split_whitespace().next());
    let silence = silence.unwrap_or_else(|| panic!("no id in {silences}"));
    alerting.say(&["take-back", silence]);
    let row = alerting.wait_for(quiet, 2, &mut third);
    assert_eq!((told(&row), row.severity), ((Firing, Time, None, None), Severity::Critical));
    alerting.say(&["take-back", &id]);
    let row = alerting.wait_for(loud, 4, &mut third);
    assert_eq!(told(&row), (Firing, Acknowledgement, None, None));

    predict(12, 5);
    alerting.come_to(15);
    assert_eq!(told(&alerting.wait_for(quiet, 3, &mut third)), (Resolved, Window, None, None));
    assert_eq!(told(&alerting.wait_for(loud, 5, &mut third)), (Resolved, Window, None, None));
    third.stopped();
    assert_eq!((alerting.told(quiet).len(), alerting.told(loud).len()), (3, 5));
}
