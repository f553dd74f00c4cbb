//! A network that is cut: connections end and none can be made, for longer than sessions and transactions last.

use super::broker::{Node, free_port, java};
use super::client;
use super::scene::unique;
use super::scene::{Member, Scene, WAIT_MAX};
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::spawn;
use std::time::{Duration, Instant};

/// What stands between the members and the broker.
#[derive(Clone, Default)]
struct Network {
    is_cut: Arc<AtomicBool>,
    links: Arc<Mutex<Vec<TcpStream>>>,
}

impl Network {
    /// Leads what comes to `listener` to the port `target` of this machine.
    fn lead(&self, listener: TcpListener, target: u16) {
        let network = self.clone();
        spawn(move || {
            for near in listener.incoming().flatten() {
                // A connection that is dropped at once is one that was not made.
                let far = TcpStream::connect(("127.0.0.1", target));
                let (Ok(far), false) = (far, network.is_cut.load(Ordering::SeqCst)) else { continue };
                network.links.lock().unwrap().extend([near.try_clone().unwrap(), far.try_clone().unwrap()]);
                for (mut from, mut to) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
                    spawn(move || {
                        let _ = io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
            }
        });
    }

    fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        self.links.lock().unwrap().drain(..).for_each(|link| drop(link.shutdown(Shutdown::Both)));
    }

    fn mend(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }
}

fn properties([plain, proxied, advertised, controller]: [u16; 4], data: &Path) -> String {
    format!(
        "process.roles=broker,controller
node.id=1
listeners=PLAIN://127.0.0.1:{plain},PROXIED://127.0.0.1:{proxied},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAIN://127.0.0.1:{plain},PROXIED://127.0.0.1:{advertised}
listener.security.protocol.map=PLAIN:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAIN
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
log.dirs={}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
auto.create.topics.enable=false
",
        data.display()
    )
}

#[test]
fn members_come_back_by_themselves_after_the_network_was_cut() {
    let Some(jars) = java("members_come_back_by_themselves_after_the_network_was_cut") else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let advertised = listener.local_addr().unwrap().port();
    let [plain, proxied, controller] = [(); 3].map(|()| free_port());
    let text = |data: &Path| properties([plain, proxied, advertised, controller], data);
    let mut node = Node::new(&jars, "cut", text, &["--standalone"]);
    node.start("300m");
    let (network, inside) = (Network::default(), format!("127.0.0.1:{plain}"));
    network.lead(listener, proxied);
    let deadline = Instant::now() + WAIT_MAX;
    while !client::answers(&inside) {
        assert!(Instant::now() < deadline, "the broker does not answer: {}", node.log());
    }
    // The tests' own clients are inside; the members are outside.
    let scene = Scene { bootstrap: inside, name: unique("cut"), partitions: 2 };
    let topics = ["left", "right", "pairs", "changelog"].map(|role| scene.topic(role));
    client::create_topics(&scene.bootstrap, &topics.each_ref().map(|topic| (topic.as_str(), 2)));
    let members = [Some("a"), None].map(|instance| {
        let mut options = scene.options(instance);
        options.bootstrap_servers = format!("127.0.0.1:{advertised}");
        Member::start(&scene, options)
    });
    scene.feed(0..1000);
    scene.wait_for_pairs(1000);
    scene.feed(1000..2000);
    network.cut();
    scene.feed(2000..3000);
    // Sessions end after 6 s and transactions after 10 s.
    std::thread::sleep(Duration::from_secs(12));
    network.mend();
    scene.wait_for_pairs(3000);
    scene.feed(3000..4000);
    scene.wait_for_pairs(4000);
    for member in members {
        assert_eq!(member.stopped(), Ok(()));
    }
    scene.check(0..4000);
}
