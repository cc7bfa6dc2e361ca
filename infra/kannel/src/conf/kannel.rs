//! The writer of `kannel.conf`.

use std::fmt::Write as _;

use super::parts::{Base, Service, User};
use super::plan::Plan;
use super::quoted;
use crate::GET_URL;

/// Returns the text of the file.
pub(super) fn render(plan: &Plan) -> String {
    let mut text = head(plan);
    let _ = write!(text, "\n{}", core(plan));
    for (nth, line) in plan.lines.iter().enumerate() {
        let _ = write!(text, "\n{}", smsc(line, nth, plan));
    }
    let _ = write!(text, "\n{}", smsbox(plan));
    for (nth, each) in plan.users.iter().enumerate() {
        let _ = write!(text, "\n{}", user(each, nth));
    }
    for (nth, each) in plan.services.iter().enumerate() {
        let _ = write!(text, "\n{}", service(plan, each, nth));
    }
    text
}

const LOCAL_HEAD: &str = r#"# A configuration of Kannel 1.4.5 on the same machine as Threadless. `cargo run -- kannel-conf` writes this file.
#
# Try it with the stack that `cargo run` starts, without a modem:
#
#   sudo install -d -o "$USER" -m 700 /var/spool/kannel /var/spool/kannel/store /var/spool/kannel/dlr
#   bearerbox -v 1 infra/kannel/kannel.conf         (terminal 1)
#   smsbox    -v 1 infra/kannel/kannel.conf         (terminal 2)
#   /usr/lib/kannel/test/fakesmsc                   (terminal 3: a phone; type the next line there)
#   1112223333 1234 text echo hello
#
# For production, write another file, together with the TLS sidecar:
#   cargo run -- kannel-conf --base-url https://… --output DIR
#
# Blank lines separate the groups. Inside a group there must be no blank line.
"#;

fn head(plan: &Plan) -> String {
    match &plan.base {
        Base::Here(_) => LOCAL_HEAD.to_owned(),
        Base::Far { host, prefix, .. } => format!(
            "# A configuration of Kannel 1.4.5 for the functions at {host}. `cargo run -- kannel-conf` writes this file.\n\
             #\n\
             # Messages go through the TLS sidecar on this host; its configuration is a file of its own. Write the real\n\
             # values in place of FILL-IN, replace the fake lines by yours, create the two folders, and check this file:\n\
             #\n\
             #   sudo install -d -o kannel -m 700 /var/spool/kannel/store /var/spool/kannel/dlr\n\
             #   cargo run -- kannel-check kannel.conf\n\
             #\n\
             # Delivery reports go the same way if the backend has delivery_report_url = \"{reports}\".\n\
             # Then this file contains secrets: chown root:kannel, chmod 640.\n\
             # Blank lines separate the groups. Inside a group there must be no blank line.\n",
            reports = format_args!("http://127.0.0.1:{}{prefix}", plan.sidecar_port),
        ),
    }
}

fn core(plan: &Plan) -> String {
    let password = quoted(&plan.admin_password);
    format!(
        r#"group = core
admin-port = 13000
admin-interface = 127.0.0.1
admin-password = {password}
status-password = {password}
admin-deny-ip = "*.*.*.*"
admin-allow-ip = "127.0.0.1"
smsbox-port = 13001
smsbox-interface = 127.0.0.1
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
# Messages and expected delivery reports survive a restart. Both folders must exist.
store-type = spool
store-location = "/var/spool/kannel/store"
dlr-storage = spool
dlr-spool = "/var/spool/kannel/dlr"
# If the operator refuses a message temporarily, Kannel tries it again after this number of seconds.
sms-resend-freq = 10
# There is no access-log, because it would contain every number and text. At level 0, the main log has them too.
log-level = 1
"#
    )
}

const LINE: &str = "\
# The line to the operator. This fake line reads text from a local client (/usr/lib/kannel/test/fakesmsc). Its smsc-id
# is the `smsc` of sendsms_params in the settings. Each line has its own allowed-smsc-id. Without it, Kannel sends a reply
# on any line, whatever smsc the reply names. With it, Kannel refuses a reply whose smsc is not the id of a line
# (\"Not routable\").
";

const MODEM: &str = r#"
# The same for a USB modem. my-number is the number of the modem. If "auto" does not know the modem, describe it in a
# `group = modems` (Kannel user guide, "GSM AT modem").
#group = smsc
#smsc = at
#smsc-id = {id}
#allowed-smsc-id = {id}
#device = /dev/ttyUSB0
#modemtype = auto
#speed = 115200
#my-number = 1234
#sms-center = +10000000000
"#;

fn smsc(line: &str, nth: usize, plan: &Plan) -> String {
    let id = quoted(line);
    let head = if nth == 0 { LINE } else { "" };
    let port = 10_000 + nth;
    let text = format!(
        "{head}group = smsc\nsmsc = fake\nsmsc-id = {id}\nallowed-smsc-id = {id}\nport = {port}\n\
         our-host = 127.0.0.1\nconnect-allow-ip = 127.0.0.1\n"
    );
    if nth + 1 == plan.lines.len() { format!("{text}{}", MODEM.replace("{id}", &id)) } else { text }
}

fn smsbox(plan: &Plan) -> String {
    let path = &plan.sendsms.path;
    let path =
        if path == "/cgi-bin/sendsms" { String::new() } else { format!("sendsms-url = {}\n", quoted(path)) };
    format!(
        r#"# There is no smsbox-id, because inbound messages for it would stay in bearerbox without a route. There is no
# global-sender, because %P would show it instead of the number to which the phone wrote.
group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {port}
sendsms-interface = 127.0.0.1
{path}sendsms-chars = "0123456789 +-"
# This is longer than the sidecar and the endpoint together may take (10 s in the queue, 3 x 5 s to connect, 31 s for the
# answer). So Kannel does not repeat a request whose answer is slow.
http-timeout = 60
# Kannel repeats a request until the answer is 200 or 202, every 10 s for a day. Repeats do no harm, because the
# endpoint knows each message by its mid.
http-request-retry = 8640
http-queue-delay = 10
# The most requests at the same time. It must fit the limit of the sidecar and the concurrency of the functions.
max-pending-requests = 50
"#,
        port = plan.sendsms.port,
    )
}

const USER: &str = "\
# The account with which the backend sends: username and password of sendsms_params. Deployed functions have no fixed
# address. They reach sendsms through the TLS front of the sidecar, and Kannel sees the sidecar as 127.0.0.1.
";

fn user(user: &User, nth: usize) -> String {
    let head = if nth == 0 { USER } else { "" };
    format!(
        r#"{head}group = sendsms-user
username = {name}
password = {password}
user-deny-ip = "*.*.*.*"
user-allow-ip = "127.0.0.1"
# The most parts of a long message; the rest is cut off. Ten parts have 1530 GSM-7 or 670 UCS-2 characters.
max-messages = 10
concatenation = true
"#,
        name = quoted(&user.name),
        password = quoted(&user.password),
    )
}

const SERVICE: &str = "\
# Each inbound message becomes one request. With max-messages = 0, Kannel never sends the answer to the phone; replies
# come through sendsms.
#
# hex=%e has the unchanged bytes. text=%a has not, because it splits UTF-16 at white-space bytes. A Kannel that does not
# know %e needs text=%b instead. Never write both, because the length of the request line is limited.
";

fn service(plan: &Plan, service: &Service, nth: usize) -> String {
    let head = if nth == 0 { SERVICE } else { "" };
    let line =
        service.line.as_ref().map(|line| format!("accepted-smsc = {}\n", quoted(line))).unwrap_or_default();
    let url = plan.service_url(service);
    format!(
        "{head}group = sms-service\nkeyword = default\n{line}catch-all = true\nmax-messages = 0\n\
         omit-empty = true\nget-url = \"{url}?{GET_URL}\"\n"
    )
}
