//! The writer of the TLS sidecar for haproxy (2.4 or newer).

use std::fmt::Write as _;

use super::plan::Plan;

/// Returns the text of the file.
pub(super) fn render(plan: &Plan, host: &str, port: u16) -> String {
    let mut text = HEAD.replace("{host}", host);
    let mut tokens: Vec<&str> = plan.tokens().map(|token| token.variable.as_str()).collect();
    tokens.dedup();
    if !tokens.is_empty() {
        text.push_str("#\n# Set these variables in the environment of haproxy (Debian: /etc/default/haproxy). So no URL and no file has the tokens:\n");
        for token in &tokens {
            let _ = writeln!(text, "#   {token}");
        }
        text.push('\n');
        for token in &tokens {
            let _ = write!(text, ".if !defined({token})\n    .alert \"{token} is not set\"\n.endif\n");
        }
    }
    text.push_str(GLOBAL);
    text.push_str(&resolvers(plan));
    text.push_str(&inbound(plan, host, port));
    text.push_str(&replies(plan));
    text
}

const HEAD: &str = "\
# The TLS sidecar between Kannel and the functions at
#   {host}
# on Kannel's own host, for haproxy 2.4 or newer. `cargo run -- kannel-conf` writes this file.
#
# smsbox sends no host name in its TLS handshake (SNI), but AWS needs it. And smsbox checks no certificate. So smsbox
# speaks plain HTTP to 127.0.0.1, and haproxy speaks TLS from there.
";

const GLOBAL: &str = r#"
global
    user haproxy
    group haproxy
    log stderr format raw local0
    maxconn 1000
    ssl-default-bind-options ssl-min-ver TLSv1.2
    ssl-default-server-options ssl-min-ver TLSv1.2

defaults
    mode http
    log global
    # The default format of haproxy without the query, which contains numbers, texts and passwords.
    log-format "%ci:%cp %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %ts %HM %HPO"
    option dontlognull
    timeout client 60s
    timeout http-request 5s
    timeout http-keep-alive 60s
    # The sum of queue, server and three times connect (`retries` below) is less than http-timeout in kannel.conf.
    # Otherwise smsbox would give up and repeat a request that still waits here. An HTTP API itself answers within
    # 30 s.
    timeout connect 5s
    timeout queue 10s
    timeout server 31s
"#;

fn resolvers(plan: &Plan) -> String {
    let servers = match plan.resolver {
        Some(address) => format!("nameserver given {address}"),
        None => "parse-resolv-conf".to_owned(),
    };
    let whose = if plan.resolver.is_some() { "this server" } else { "the servers of /etc/resolv.conf" };
    format!(
        "
# The addresses of AWS change, so haproxy looks them up again and again, with {whose}.
resolvers names
    {servers}
    accepted_payload_size 8192
    resolve_retries 3
    timeout resolve 1s
    timeout retry 1s
    hold valid 10s
"
    )
}

fn inbound(plan: &Plan, host: &str, port: u16) -> String {
    let paths: Vec<String> = plan.services.iter().map(|service| plan.path(service)).collect();
    let listen = plan.sidecar_port;
    let mut text = format!(
        "
frontend kannel
    bind 127.0.0.1:{listen}
    http-request deny deny_status 404 unless {{ path_beg {} }}
    # Refuses a path that the endpoint could read as another path than this file does.
    http-request deny deny_status 404 if {{ path_sub /.. }}
    default_backend threadless

backend threadless
    http-reuse always
    # The server may close a kept connection during a request. It is safe to repeat the request: smsbox would do so too,
    # and the endpoint knows each message by its mid.
    retries 2
    retry-on conn-failure empty-response
    http-request set-header Host \"{host}\"
",
        paths.join(" ")
    );
    for (service, path) in plan.services.iter().zip(&paths) {
        if let Some(token) = &service.token {
            let variable = &token.variable;
            let _ = writeln!(
                text,
                "    http-request set-header Authorization \"Bearer %[env({variable})]\" if {{ path_beg {path} }}"
            );
        }
    }
    let ca_file = plan.ca_file.display();
    let _ = writeln!(
        text,
        "    server api \"{host}:{port}\" maxconn 20 ssl sni str(\"{host}\") verify required ca-file \"{ca_file}\" \
         verifyhost \"{host}\" resolvers names resolve-prefer ipv4 init-addr last,libc,none"
    );
    text
}

fn replies(plan: &Plan) -> String {
    let Some(front) = &plan.sendsms.front else { return String::new() };
    let (port, path, certificate) = (plan.sendsms.port, &plan.sendsms.path, front.certificate.display());
    let listen = front.port;
    let guard = front.token.as_ref().map_or_else(String::new, |token| {
        format!(
            "    http-request deny deny_status 403 unless {{ req.hdr(authorization) -m str \"Bearer ${{{}}}\" }}\n    \
             http-request del-header Authorization\n",
            token.variable
        )
    });
    let guards = if guard.is_empty() { "a long password" } else { "a token that only the functions know" };
    format!(
        "
# The replies: functions have no fixed address, so TLS and {guards} protect sendsms.
frontend replies
    bind :{listen} ssl crt \"{certificate}\"
    http-request deny deny_status 404 unless METH_GET {{ path {path} }}
{guard}    default_backend smsbox

backend smsbox
    # A reply that sendsms may have accepted is not repeated, because sendsms cannot recognise a repeat.
    retry-on conn-failure
    server smsbox 127.0.0.1:{port} maxconn 50
"
    )
}
