//! A broker that asks who is there: a listener with passwords over TLS, one with client certificates, access rules, and one
//! listener inside it all, for the tests themselves.

use super::broker::{Node, folder, free_port, java};
use super::client;
use super::scene::unique;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Who has no rights but those that a test gives.
pub const USER: &str = "service";
/// The user's password.
pub const PASSWORD: &str = "hunter2-hunter2";

/// The broker.
pub struct Secured {
    /// May do everything.
    pub inside: String,
    /// For [`USER`] with [`PASSWORD`].
    pub sasl: String,
    /// For [`USER`] with a certificate.
    pub certified: String,
    /// With `ca.pem`, `other-ca.pem`, `client.pem` and `client.key`.
    pub certificates: PathBuf,
    #[expect(dead_code, reason = "it runs for as long as this is held")]
    node: Node,
}

/// The one of this run, or `None` (and a line that says so) where there is no way to have one.
pub fn shared(test: &str) -> Option<&'static Secured> {
    static SHARED: OnceLock<Option<Secured>> = OnceLock::new();
    SHARED.get_or_init(|| Some(start(&java(test)?))).as_ref()
}

fn start(jars: &Path) -> Secured {
    let certificates = folder(&unique("certificates"));
    certify(&certificates);
    let [inside, sasl, certified, controller] = [(); 4].map(|()| free_port());
    let text = |data: &Path| properties([inside, sasl, certified, controller], data, &certificates);
    let user = format!("SCRAM-SHA-512=[name={USER},password={PASSWORD}]");
    let mut node = Node::new(jars, "secured", text, &["--standalone", "--add-scram", &user]);
    node.start("300m");
    let inside = format!("127.0.0.1:{inside}");
    let deadline = Instant::now() + Duration::from_secs(120);
    while !client::answers(&inside) {
        assert!(Instant::now() < deadline, "the broker does not answer: {}", node.log());
    }
    let outside = |port: u16| format!("localhost:{port}");
    Secured { inside, sasl: outside(sasl), certified: outside(certified), certificates, node }
}

/// Makes a certificate authority, what it signs, and another authority that nobody knows.
fn certify(folder: &Path) {
    let openssl = |arguments: &str| {
        let arguments = arguments.split(' ');
        let output = Command::new("openssl").args(arguments).current_dir(folder).stdin(Stdio::null()).output();
        let output = output.expect("openssl runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    for name in ["ca", "other-ca"] {
        openssl(&format!("req -x509 {KEY} -days 2 -subj /CN={name} -keyout {name}.key -out {name}.pem"));
    }
    fs::write(folder.join("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").unwrap();
    for (name, subject) in [("server", "localhost"), ("client", USER)] {
        openssl(&format!("req {KEY} -subj /CN={subject} -keyout {name}.key -out {name}.csr"));
        let signed = format!("-CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out {name}.pem");
        openssl(&format!("x509 -req -in {name}.csr {signed}"));
    }
    let [key, certificate] = ["server.key", "server.pem"].map(|name| fs::read_to_string(folder.join(name)).unwrap());
    fs::write(folder.join("keystore.pem"), key + &certificate).unwrap();
}

fn properties([inside, sasl, certified, controller]: [u16; 4], data: &Path, certificates: &Path) -> String {
    let (data, certificates) = (data.display(), certificates.display());
    format!(
        "process.roles=broker,controller
node.id=1
listeners=INSIDE://127.0.0.1:{inside},SASL://127.0.0.1:{sasl},TLS://127.0.0.1:{certified},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=INSIDE://127.0.0.1:{inside},SASL://localhost:{sasl},TLS://localhost:{certified}
listener.security.protocol.map=INSIDE:PLAINTEXT,SASL:SASL_SSL,TLS:SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=INSIDE
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location={certificates}/keystore.pem
ssl.truststore.type=PEM
ssl.truststore.location={certificates}/ca.pem
listener.name.tls.ssl.client.auth=required
ssl.principal.mapping.rules=RULE:^CN=(.*)$/$1/
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
log.dirs={data}
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
"
    )
}
