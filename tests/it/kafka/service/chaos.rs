//! The service is killed at a hundred random moments of one run, in which processes also come, go and lose their sessions.

use super::alerted::ALERTED_FLIGHTS;
use super::stream::records;
use super::wire::Wire;
use super::{Service, Setup, shipped_flights};
use crate::kafka::broker;
use crate::kafka::process::Process;
use std::time::{Duration, Instant, SystemTime};

const KILLS: usize = 100;

/// Seed of the moments; without it they differ from run to run.
const SEED: &str = "POSTDICT_TEST_SEED";

/// Random moments, which are told if the test fails.
struct Moments {
    seed: u64,
    state: u64,
    began: Instant,
    told: Vec<String>,
}

impl Moments {
    fn new() -> Moments {
        let random = || SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
        let seed = std::env::var(SEED).ok().map_or_else(random, |seed| seed.parse().expect("a number"));
        Moments { seed, state: seed, began: Instant::now(), told: Vec::new() }
    }

    fn random(&mut self, below: u64) -> u64 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % below
    }

    fn tell(&mut self, what: String) {
        self.told.push(format!("{:?} {what}", self.began.elapsed()));
    }
}

impl Drop for Moments {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{SEED}={}; {}", self.seed, self.told.join("; "));
        }
    }
}

#[test]
fn a_service_killed_at_a_hundred_random_moments_agrees_with_replay() {
    let Some(broker) = broker::shared("killed_at_a_hundred_random_moments") else { return };
    let setup = Setup { session_ms: 2500, ..Setup::new("chaos", 4, Wire::Json, ALERTED_FLIGHTS) };
    let service = Service::new(broker, &setup);
    let records = records(&shipped_flights(), usize::MAX);
    let mut parts = records.chunks(records.len() / KILLS + 1);
    let mut moments = Moments::new();
    // The third has no name: when it is killed, the others take over what it had once its session is over.
    let names = ["a", "b", "-c"];
    let mut running = names.map(|name| service.start_small(name, &[]));
    for kill in 0..KILLS {
        parts.next().into_iter().for_each(|part| service.feed(part));
        // No synchronisation: any moment is right.
        std::thread::sleep(Duration::from_millis(moments.random(900)));
        let chosen = moments.random(3) as usize;
        moments.tell(format!("kill {kill} of {}", names[chosen]));
        // Sometimes it is in the middle of a stop, which revokes what it has.
        if moments.random(4) == 0 {
            running[chosen].signal("TERM");
            std::thread::sleep(Duration::from_millis(moments.random(60)));
        }
        running[chosen].kill_or_end();
        running[chosen] = service.start_small(names[chosen], &[]);
    }
    parts.for_each(|part| service.feed(part));
    service.ends_as_replay_with_alerts(running.into());
}

impl Process {
    /// kill -9, unless it has come to a good end in the meantime.
    fn kill_or_end(&mut self) {
        if self.runs() {
            self.signal("KILL");
        }
        let status = self.ended();
        assert!(status.success() || status.code().is_none(), "{status}: {}", self.said());
    }
}
