//! Hunt.
use super::broker;
use super::scene::{Member, Scene};
use std::time::{Duration, Instant};

#[test]
#[ignore = "a hunt"]
fn hunt_stop() {
    let Some(broker) = broker::shared("hunt") else { return };
    let scene = Scene::new(broker, "hunt", 2);
    let a = Member::start(&scene, scene.options(Some("a")));
    scene.wait_for_owners(1);
    let mut seed = 88172645463325252_u64;
    for round in 0..400 {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let b = Member::start(&scene, scene.options(Some("b")));
        let wait = Duration::from_micros(50_000 + seed % 900_000);
        std::thread::sleep(wait);
        let started = Instant::now();
        let result = b.stopped();
        if result.is_err() || started.elapsed() > Duration::from_secs(3) {
            eprintln!("FOUND round {round} after {wait:?}: {result:?} took {:?}", started.elapsed());
        }
    }
    drop(a.stopped());
}

#[test]
#[ignore = "a hunt"]
fn hunt_leave() {
    let Some(broker) = broker::shared("hunt2") else { return };
    let scene = Scene::new(broker, "hunt2", 1);
    let mut seed = 88172645463325252_u64;
    for round in 0..150 {
        let mut random = |n: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % n
        };
        let members = ["a", "b", "c"].map(|name| Member::start(&scene, scene.options(Some(name))));
        let deadline = Instant::now() + Duration::from_secs(30);
        while super::client::members(&scene.bootstrap, &scene.group()) != ("Stable".to_owned(), 3)
            && Instant::now() < deadline
        {}
        let waits: Vec<u64> = (0..3).map(|_| random(150_000)).collect();
        let started = Instant::now();
        members.iter().zip(&waits).for_each(|(member, wait)| {
            member.stop.request();
            std::thread::sleep(Duration::from_micros(*wait));
        });
        for (name, member) in ["a", "b", "c"].into_iter().zip(members) {
            let result = member.stopped();
            if result.is_err() || started.elapsed() > Duration::from_secs(2) {
                eprintln!("FOUND round {round} {name} after {waits:?}: {result:?} took {:?}", started.elapsed());
            }
        }
    }
}
