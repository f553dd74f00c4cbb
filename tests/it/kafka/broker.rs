//! A real broker for the tests: one that `KAFKA_BOOTSTRAP` names, else Apache Kafka by Java and Maven, else by Docker.
//!
//! One per run of the tests, in a fresh folder, gone when the process of the tests is gone, however that ended: a shell
//! beside it waits for the end of a pipe that only the tests hold, and then kills it.

use super::client;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const VERSION: &str = "4.1.1";
/// Starting takes 3 seconds on an idle machine.
const START_MAX: Duration = Duration::from_secs(120);

/// A broker that answers.
pub struct Broker {
    /// `host:port`.
    pub bootstrap: String,
    /// `None` if it is somebody else's.
    own: Option<Node>,
}

/// The process of a broker, with a folder of its own.
pub struct Node {
    folder: PathBuf,
    /// Ends with the process of the tests, and then kills the broker.
    guard: Option<Child>,
}

/// How a broker can be had here.
enum Way {
    Given(String),
    Java(PathBuf),
    Docker,
}

/// The broker of this run, or `None` (and a line that says so) where there is no way to have one.
///
/// `test` names who asks. Panics where `CI` is `true` and there is none.
pub fn shared(test: &str) -> Option<&'static Broker> {
    static SHARED: OnceLock<Option<Broker>> = OnceLock::new();
    let broker = SHARED.get_or_init(|| way().map(Broker::start)).as_ref();
    if broker.is_none() {
        skip(test);
    }
    broker
}

/// A broker that can be killed, for one test alone. `None` where there is no way to have one.
pub fn own(test: &str) -> Option<Broker> {
    match way() {
        Some(Way::Java(jars)) => Some(Broker::start(Way::Java(jars))),
        _ => {
            skip(test);
            None
        }
    }
}

/// Kafka's jars, for brokers that a test sets up by itself. `None` where there is no Java.
#[allow(dead_code, reason = "for brokers of other kinds, which benchmarks do not have")]
pub fn java(test: &str) -> Option<PathBuf> {
    match way() {
        Some(Way::Java(jars)) => Some(jars),
        _ => {
            skip(test);
            None
        }
    }
}

fn skip(test: &str) {
    let required = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!required, "CI=true, but there is no Kafka for {test}");
    let _ = writeln!(
        std::io::stderr(),
        "skipped: {test}: no Kafka: set KAFKA_BOOTSTRAP, or install Java and Maven, or Docker"
    );
}

/// The first way that there is.
fn way() -> Option<Way> {
    if let Ok(bootstrap) = std::env::var("KAFKA_BOOTSTRAP") {
        return Some(Way::Given(bootstrap));
    }
    let answers = |program: &str, argument: &str| {
        let run = Command::new(program).arg(argument).stdin(Stdio::null()).output();
        run.is_ok_and(|output| output.status.success())
    };
    if answers("java", "-version") && (jars().is_dir() || answers("mvn", "-version")) {
        return Some(Way::Java(fetched_jars()));
    }
    answers("docker", "info").then_some(Way::Docker)
}

fn target() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| package.join("target"), |target| package.join(target))
}

fn jars() -> PathBuf {
    target().join(format!("kafka/jars-{VERSION}"))
}

/// The folder with Kafka's jars, fetched if it is not there. It appears all at once, so that it is never half filled.
fn fetched_jars() -> PathBuf {
    let jars = jars();
    if jars.is_dir() {
        return jars;
    }
    let partial = jars.with_extension(format!("{}.partial", std::process::id()));
    let pom = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kafka/pom.xml");
    let output = Command::new("mvn")
        .args(["-q", "-B", "-f"])
        .arg(pom)
        .arg("dependency:copy-dependencies")
        .arg(format!("-DoutputDirectory={}", partial.display()))
        .stdin(Stdio::null())
        .output()
        .expect("mvn runs");
    assert!(output.status.success(), "mvn cannot fetch Kafka: {}", String::from_utf8_lossy(&output.stdout));
    if fs::rename(&partial, &jars).is_err() {
        // Another process was faster.
        let _ = fs::remove_dir_all(&partial);
    }
    assert!(jars.is_dir(), "no jars in {}", jars.display());
    jars
}

/// Removes what earlier runs left behind.
fn clean(kafka: &Path) {
    for entry in fs::read_dir(kafka).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.strip_prefix("run-").and_then(|rest| rest.split('-').next());
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// A folder for what this run writes.
pub fn folder(name: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let kafka = target().join("kafka");
    let count = COUNT.fetch_add(1, Ordering::SeqCst);
    let folder = kafka.join(format!("run-{}-{count}-{name}", std::process::id()));
    fs::create_dir_all(&folder).expect("target is writable");
    folder
}

/// A port that nobody listens at.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound address").port()
}

impl Broker {
    /// The folder with its `data`, and with its process in `pid`; `None` if it is somebody else's.
    #[allow(dead_code, reason = "asked for by benchmarks, which include this file")]
    pub fn folder(&self) -> Option<&Path> {
        self.own.as_ref().map(|own| own.folder.as_path())
    }

    fn start(way: Way) -> Broker {
        match way {
            Way::Given(bootstrap) => Broker { bootstrap, own: None },
            Way::Java(jars) => Broker::start_java(&jars),
            Way::Docker => Broker::start_docker(),
        }
    }

    fn start_java(jars: &Path) -> Broker {
        let (port, controller) = (free_port(), free_port());
        let node = Node::new(jars, "broker", |data| properties(port, controller, data), &["--standalone"]);
        let mut broker = Broker { bootstrap: format!("127.0.0.1:{port}"), own: Some(node) };
        broker.up();
        broker
    }

    fn start_docker() -> Broker {
        let (folder, port) = (folder("broker"), free_port());
        let name = format!("postdict-tests-{}", std::process::id());
        let variables: String = properties(9092, 9093, Path::new("/tmp/data"))
            .replace(
                "advertised.listeners=PLAINTEXT://127.0.0.1:9092",
                &format!("advertised.listeners=PLAINTEXT://127.0.0.1:{port}"),
            )
            .replace("listeners=PLAINTEXT://127.0.0.1:9092", "listeners=PLAINTEXT://0.0.0.0:9092")
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(key, value)| format!(" -e 'KAFKA_{}={value}'", key.to_uppercase().replace('.', "_")))
            .collect();
        let run = format!("docker run --rm --name {name} -p 127.0.0.1:{port}:9092{variables} apache/kafka:{VERSION}");
        let script = format!("{run} >log 2>&1 </dev/null & cat >/dev/null; docker rm -f {name} >/dev/null 2>&1");
        let guard = guard(&folder, &script);
        let broker = Broker { bootstrap: format!("127.0.0.1:{port}"), own: Some(Node { folder, guard: Some(guard) }) };
        broker.wait();
        broker
    }

    /// Starts it (again), and waits until it answers.
    pub fn up(&mut self) {
        self.own.as_mut().expect("only our own broker is started").start("400m");
        self.wait();
    }

    /// Kills it, as a power cut would.
    pub fn kill(&mut self) {
        self.own.as_mut().expect("only our own broker is killed").kill();
    }

    /// Stops its process for a while (`STOP`), or lets it go on (`CONT`).
    #[allow(dead_code, reason = "benchmarks do not")]
    pub fn signal(&self, signal: &str) {
        self.own.as_ref().expect("only our own broker is stopped").signal(signal);
    }

    fn wait(&self) {
        let deadline = Instant::now() + START_MAX;
        while !client::answers(&self.bootstrap) {
            let log = self.own.as_ref().map(Node::log).unwrap_or_default();
            assert!(Instant::now() < deadline, "the broker does not answer: {log}");
        }
    }
}

impl Node {
    /// Writes its properties, which are told where its data are to be, and formats its storage; `format` says how.
    pub fn new(jars: &Path, name: &str, properties: impl FnOnce(&Path) -> String, format: &[&str]) -> Node {
        clean(&target().join("kafka"));
        let folder = folder(name);
        let text = properties(&folder.join("data"));
        fs::write(folder.join("server.properties"), text).expect("target is writable");
        let classes = format!("{}/*", jars.display());
        let output = Command::new("java")
            .args(["-cp", &classes, "kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg"])
            .args(["-c", "server.properties"])
            .args(format)
            .current_dir(&folder)
            .stdin(Stdio::null())
            .output()
            .expect("java runs");
        assert!(output.status.success(), "formatting: {}", String::from_utf8_lossy(&output.stderr));
        fs::write(folder.join("classes"), classes).expect("target is writable");
        Node { folder, guard: None }
    }

    /// Starts it (again), with so much memory.
    pub fn start(&mut self, heap: &str) {
        let classes = fs::read_to_string(self.folder.join("classes")).expect("written before");
        // Compiled once, quickly: a test's broker does not live long enough for more. What measures it says otherwise, in
        // the variable of Kafka's own scripts.
        let options = "${KAFKA_JVM_PERFORMANCE_OPTS:--XX:+UseSerialGC -XX:TieredStopAtLevel=1}";
        let java = format!("java -Xmx{heap} -Xms128m {options} -cp '{classes}' kafka.Kafka server.properties");
        let script = format!("{java} >>log 2>&1 </dev/null & echo $! >pid; cat >/dev/null; kill -9 $!");
        self.guard = Some(guard(&self.folder, &script));
    }

    /// Kills it, as a power cut would.
    pub fn kill(&mut self) {
        let mut guard = self.guard.take().expect("it runs");
        // The end of the pipe is what the guard waits for.
        drop(guard.stdin.take());
        guard.wait().expect("the guard ends");
    }

    /// Sends its process a signal.
    pub fn signal(&self, signal: &str) {
        let pid = fs::read_to_string(self.folder.join("pid")).expect("it was started");
        let sent = Command::new("kill").args(["-s", signal, pid.trim()]).status().expect("there is kill");
        assert!(sent.success());
    }

    /// What it wrote.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.guard.is_some() {
            self.kill();
        }
    }
}

/// A shell that runs the script, which waits for the end of its input.
fn guard(folder: &Path, script: &str) -> Child {
    Command::new("sh")
        .args(["-c", script])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell")
}

fn properties(port: u16, controller: u16, data: &Path) -> String {
    format!(
        "process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
log.dirs={}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
auto.create.topics.enable=false
",
        data.display()
    )
}
