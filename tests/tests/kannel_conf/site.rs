//! Kannel's host and the servers around it: everything that the written files name, on free ports.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use aws_credential_types::Credentials;
use jiff::Timestamp;
use tempfile::TempDir;
use tests::http::get;
use tests::kannel::Daemon;
use tests::names::Names;
use tests::ports::{free_port, is_listening};
use tests::tls::{Authority, TlsFront};
use threadless::ConnectionId;
use threadless::aws::{Access, http_client};
use threadless::store::dynamodb::DynamoStore;
use threadless::store::{History as _, State};
use threadless_local::Stack;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::commands::run;
use super::process::{LIMIT, Process, until};

/// The host name of the functions in these tests.
pub(crate) const HOST: &str = "api.threadless.test";
/// The token of the backend.
pub(crate) const TOKEN: &str = "t0k%C3n-\"with\\signs";
const PASSWORD: &str = "Iequ8aeB 9ooz";
const ADMIN: &str = "ohQu4aipha7e";

/// The sidecar that speaks TLS for Kannel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sidecar {
    Haproxy,
    Nginx,
}

/// The certificate that the server shows.
pub(crate) struct Certificate {
    trusted: bool,
    name: &'static str,
}

/// The right certificate.
pub(crate) const TRUSTED: Certificate = Certificate { trusted: true, name: HOST };
/// A certificate for the right name, by an unknown authority.
pub(crate) const STRANGER: Certificate = Certificate { trusted: false, name: HOST };
/// A certificate by the right authority, for another name.
pub(crate) const OTHER_NAME: Certificate = Certificate { trusted: true, name: "other.threadless.test" };

/// All running parts.
pub(crate) struct Site {
    pub(crate) front: TlsFront,
    pub(crate) names: Names,
    pub(crate) sidecar_port: u16,
    phone: BufReader<TcpStream>,
    dir: TempDir,
    smsbox: Daemon,
    bearerbox: Daemon,
    _sidecar: Process,
    stack: Stack,
}

impl Site {
    /// Writes the files with `kannel-conf`, checks them in every available way, and starts the programs that they
    /// describe.
    pub(crate) async fn start(sidecar: Sidecar, certificate: &Certificate) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let [sidecar_port, admin, smsbox_port, sendsms, phone] = [(); 5].map(|()| free_port().unwrap());

        let escaped = TOKEN.replace('\\', "\\\\").replace('"', "\\\"");
        let settings = functions::SETTINGS
            .replace("127.0.0.1:13013", &format!("127.0.0.1:{sendsms}"))
            .replace(
                "secret = \"KANNEL_TOKEN\", local = \"\"",
                &format!("secret = \"KANNEL_TOKEN\", local = \"{escaped}\""),
            )
            .replace("local = \"change-me\"", &format!("local = \"{PASSWORD}\""))
            .replace(
                "# delivery_report_url = \"http://127.0.0.1:8443\"",
                &format!("delivery_report_url = \"http://127.0.0.1:{sidecar_port}\""),
            );
        assert!(settings.contains(PASSWORD) && settings.contains("signs"));
        assert!(settings.contains("\ndelivery_report_url"));
        fs::write(path("settings.toml"), &settings).unwrap();
        let stack = Stack::start(tests::stack::ephemeral(&settings)).await.unwrap();

        let authority = Authority::new().unwrap();
        fs::write(path("ca.pem"), authority.pem()).unwrap();
        let stranger = Authority::new().unwrap();
        let signer = if certificate.trusted { &authority } else { &stranger };
        let front = TlsFront::start(signer.certify(certificate.name).unwrap(), stack.front).await.unwrap();
        let names = Names::start().await.unwrap();

        let args = [
            "kannel-conf",
            "--settings=settings.toml",
            &format!("--ca-file={}", path("ca.pem").display()),
            "--output=.",
            "--show-secrets",
            &format!("--base-url=https://{HOST}:{}", front.address().port()),
            &format!("--sidecar={}", if sidecar == Sidecar::Haproxy { "haproxy" } else { "nginx" }),
            &format!("--sidecar-port={sidecar_port}"),
            &format!("--resolver={}", names.address()),
        ];
        let secrets =
            [("KANNEL_TOKEN", TOKEN), ("KANNEL_PASSWORD", PASSWORD), ("KANNEL_ADMIN_PASSWORD", ADMIN)];
        let written = run(dir.path(), &args, &secrets);
        assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));

        // Another Kannel on this machine may use these ports and folders.
        let mut conf = fs::read_to_string(path("kannel.conf")).unwrap();
        for (from, to) in [("= 13000", admin), ("= 13001", smsbox_port), ("= 10000", phone)] {
            assert!(conf.contains(from), "{from}: {conf}");
            conf = conf.replace(from, &format!("= {to}"));
        }
        conf = conf.replace("/var/spool/kannel", dir.path().to_str().unwrap());
        assert!(!conf.contains(TOKEN) && !conf.contains("t0k"), "{conf}");
        fs::write(path("kannel.conf"), conf).unwrap();
        for folder in ["store", "dlr"] {
            fs::create_dir(path(folder)).unwrap();
        }
        let check = ["kannel-check", "kannel.conf", "--here", "--strict", "--settings=settings.toml"];
        let checked = run(dir.path(), &check, &[]);
        assert_eq!(String::from_utf8_lossy(&checked.stdout), "faults: 0, advice: 0\n");

        let started = match sidecar {
            Sidecar::Haproxy => haproxy(&dir),
            Sidecar::Nginx => nginx(&dir),
        };
        until("the sidecar listens", async || TcpStream::connect(("127.0.0.1", sidecar_port)).await.is_ok())
            .await;

        let conf = path("kannel.conf");
        let status = format!("http://127.0.0.1:{admin}/status.txt?password={ADMIN}");
        let status_has = async |part: &str| get(&status).await.is_ok_and(|answer| answer.body.contains(part));
        let bearerbox = Daemon::start("bearerbox", &conf).unwrap();
        until("bearerbox runs", || status_has("Status: running")).await;
        until("bearerbox waits for smsbox", async || is_listening(smsbox_port)).await;
        let smsbox = Daemon::start("smsbox", &conf).unwrap();
        until("smsbox is connected", || status_has("smsbox:")).await;
        let phone: SocketAddr = ([127, 0, 0, 1], phone).into();
        let phone = BufReader::new(TcpStream::connect(phone).await.unwrap());
        Self { front, names, sidecar_port, phone, dir, smsbox, bearerbox, _sidecar: started, stack }
    }

    /// Sends a message from a phone, in the protocol of Kannel's own `fakesmsc`: a line for each message.
    pub(crate) async fn says(&mut self, line: &str) {
        self.phone.write_all(line.as_bytes()).await.unwrap();
    }

    /// Sends a message from a phone and returns the reply.
    pub(crate) async fn exchange(&mut self, line: &str) -> String {
        self.says(line).await;
        let mut reply = String::new();
        timeout(LIMIT, self.phone.read_line(&mut reply))
            .await
            .unwrap_or_else(|_| panic!("{}", self.logs()))
            .unwrap();
        reply
    }

    /// Waits until the history of this number has a reply with this text that the phone has, as Kannel reported.
    pub(crate) async fn is_delivered(&self, number: &str, text: &str) {
        let access = Access {
            region: "us-east-1".to_owned(),
            credentials: Credentials::new("local", "local", None, None, "test"),
            endpoint_url: Some(format!("http://{}", self.stack.dynamodb)),
        };
        let store = DynamoStore::new(&access, http_client().unwrap(), "threadless");
        let who = ConnectionId::new("my-kannel-backend".parse().unwrap(), number.parse().unwrap());
        until("Kannel's report is in the history", async || {
            let rows = store.history(&who, Timestamp::now(), 100).await.unwrap();
            rows.iter().any(|row| row.text == text && row.state == State::Delivered && row.attempts == 1)
        })
        .await;
    }

    /// Returns the logs of the sidecar.
    pub(crate) fn logs(&self) -> String {
        self.read(&["sidecar.out", "threadless.log", "threadless-error.log"])
    }

    /// Returns the output of Kannel.
    pub(crate) fn kannel_output(&self) -> String {
        self.read(&["bearerbox.err", "smsbox.err"])
    }

    fn read(&self, names: &[&str]) -> String {
        let text = |name: &&str| fs::read(self.dir.path().join(name)).unwrap_or_default();
        names.iter().map(text).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect()
    }

    /// Ends Kannel gracefully.
    pub(crate) async fn stop(self) {
        self.smsbox.stop().await;
        self.bearerbox.stop().await;
    }
}

/// Runs the sidecar program's own check of its file.
fn passes(program: &str, args: &[&str], env: &[(&str, &str)]) {
    let mut command = std::process::Command::new(program);
    let output = command.args(args).envs(env.iter().copied()).output();
    let output = output.unwrap_or_else(|problem| panic!("{program}: {problem}; tests/run installs it"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn haproxy(dir: &TempDir) -> Process {
    let file = dir.path().join("haproxy.cfg");
    let program = "/usr/sbin/haproxy";
    let env = [("KANNEL_TOKEN", TOKEN)];
    let cfg = fs::read_to_string(&file).unwrap();
    // Only root can become another user.
    let cfg = cfg.replace("    user haproxy\n    group haproxy\n", "");
    assert!(!cfg.contains("t0k"), "{cfg}");
    fs::write(&file, cfg).unwrap();
    passes(program, &["-c", "-f", file.to_str().unwrap()], &env);
    Process::start(program, &["-db", "-f", file.to_str().unwrap()], &env, &dir.path().join("sidecar.out"))
}

fn nginx(dir: &TempDir) -> Process {
    let (file, main) = (dir.path().join("nginx.conf"), dir.path().join("main.conf"));
    let folder = dir.path().to_str().unwrap();
    let conf = fs::read_to_string(&file).unwrap().replace("/var/log/nginx", folder);
    fs::write(&file, conf).unwrap();
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|name| format!("    {name}_temp_path {folder}/{name};\n")).concat();
    let text = format!(
        "daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log stderr;\nevents {{}}\n\
         http {{\n{temporary}    include {};\n}}\n",
        file.display()
    );
    fs::write(&main, text).unwrap();
    let program = "/usr/sbin/nginx";
    let args: [&str; 4] = ["-c", main.to_str().unwrap(), "-e", "stderr"];
    passes(program, &[&["-t"], &args[..]].concat(), &[]);
    Process::start(program, &args, &[], &PathBuf::from(folder).join("sidecar.out"))
}
