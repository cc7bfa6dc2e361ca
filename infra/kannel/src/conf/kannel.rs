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

const LOCAL_HEAD: &str = r#"# Kannel 1.4.5 beside Threadless on one machine, as `cargo run -- kannel-conf` writes it.
#
# Try it with the stack that `cargo run` starts, without a modem:
#
#   sudo install -d -o "$USER" -m 700 /var/spool/kannel /var/spool/kannel/store /var/spool/kannel/dlr
#   bearerbox -v 1 infra/kannel/kannel.conf         (terminal 1)
#   smsbox    -v 1 infra/kannel/kannel.conf         (terminal 2)
#   /usr/lib/kannel/test/fakesmsc                   (terminal 3: a phone; type the next line there)
#   1112223333 1234 text echo hello
#
# For production have another one written, and the TLS sidecar with it:
#   cargo run -- kannel-conf --base-url https://… --output DIR
#
# Groups are separated by blank lines, and a group has none inside.
"#;

fn head(plan: &Plan) -> String {
    match &plan.base {
        Base::Here(_) => LOCAL_HEAD.to_owned(),
        Base::Far { host, prefix, .. } => format!(
            "# Kannel 1.4.5 for the functions at {host}, as `cargo run -- kannel-conf` writes it.\n\
             #\n\
             # Messages go through the TLS sidecar on this host, whose configuration comes with this one. Fill in what has\n\
             # FILL-IN in it, replace the fake lines by yours, make the two folders, and check:\n\
             #\n\
             #   sudo install -d -o kannel -m 700 /var/spool/kannel/store /var/spool/kannel/dlr\n\
             #   cargo run -- kannel-check kannel.conf\n\
             #\n\
             # Delivery reports come the same way once the backend has delivery_report_url = \"{reports}\".\n\
             # The file then holds secrets: chown root:kannel, chmod 640.\n\
             # Groups are separated by blank lines, and a group has none inside.\n",
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
# Messages and awaited delivery reports outlive a restart. Both directories must exist.
store-type = spool
store-location = "/var/spool/kannel/store"
dlr-storage = spool
dlr-spool = "/var/spool/kannel/dlr"
# Seconds until a message that the operator refused for now is tried again.
sms-resend-freq = 10
# No access-log: it would keep every number and text. Below level 1 the main log has them, too.
log-level = 1
"#
    )
}

const LINE: &str = "\
# The line to the operator. This fake one takes lines of text from a local client (/usr/lib/kannel/test/fakesmsc).
# Its id is the `smsc` that sendsms_params in the settings names. Each line has its own allowed-smsc-id: of several
# lines without it Kannel takes any, whatever smsc a reply names; with it a reply that names none of them is refused
# (\"Not routable\").
";

const MODEM: &str = r#"
# The same for a USB modem; the number is the modem's own. Add `group = modems` entries for its quirks where "auto"
# does not know it (Kannel user guide, "GSM AT modem").
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
        r#"# No smsbox-id (without a route for it inbound messages stay in bearerbox) and no global-sender (%P would show it in
# place of the number that the phone wrote to).
group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {port}
sendsms-interface = 127.0.0.1
{path}sendsms-chars = "0123456789 +-"
# Longer than the endpoint and the sidecar together may take (10 s in its queue, 3 x 5 s to connect, 31 s), so that a
# slow answer is not asked for twice.
http-timeout = 60
# Whatever is not 200 or 202 is asked for again, every 10 s for a day. Repeats do no harm: the endpoint knows each
# message by its mid.
http-request-retry = 8640
http-queue-delay = 10
# Requests in flight. This, the sidecar's limit and the concurrency of the functions belong together.
max-pending-requests = 50
"#,
        port = plan.sendsms.port,
    )
}

const USER: &str = "\
# The account that the backend sends with: username and password of sendsms_params. Functions come from changing
# addresses: deployed ones reach sendsms through the TLS front of the sidecar, which for Kannel is 127.0.0.1.
";

fn user(user: &User, nth: usize) -> String {
    let head = if nth == 0 { USER } else { "" };
    format!(
        r#"{head}group = sendsms-user
username = {name}
password = {password}
user-deny-ip = "*.*.*.*"
user-allow-ip = "127.0.0.1"
# Parts of a long message; what is longer is cut. Ten are 1530 GSM-7 or 670 UCS-2 characters.
max-messages = 10
concatenation = true
"#,
        name = quoted(&user.name),
        password = quoted(&user.password),
    )
}

const SERVICE: &str = "\
# Every inbound message becomes one request. max-messages = 0: the answer is never sent to the phone, replies come
# through sendsms.
#
# hex=%e carries the bytes as they are; text=%a does not (it splits UTF-16 at white-space bytes). A Kannel too old for
# %e needs text=%b in its place, never both: the request line has a limit.
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
