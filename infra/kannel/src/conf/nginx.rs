//! The writer of the TLS sidecar for nginx (1.18 or newer).

use std::fmt::Write as _;

use super::parts::{Service, Token};
use super::plan::Plan;

/// Returns the text of the file. `name_server` resolves the host's name, because nginx needs a name server in its
/// configuration.
pub(super) fn render(plan: &Plan, host: &str, port: u16, name_server: &str) -> Result<String, String> {
    let mut text = HEAD.replace("{host}", host);
    let _ = write!(
        text,
        r"
server {{
    listen 127.0.0.1:{listen};
    # The log format leaves out the query, which contains numbers and texts. Error messages of nginx contain the whole URL.
    access_log /var/log/nginx/threadless.log threadless;
    error_log /var/log/nginx/threadless-error.log crit;
    # The request line for a message of ten parts has more than 8 KB.
    large_client_header_buffers 4 16k;

    # The addresses of AWS change. nginx looks up a name in a variable again and again, but a name in `upstream` only
    # at its start.
    resolver {name_server} valid=10s ipv6=off;
    resolver_timeout 5s;
    set $threadless {host};

    # The sum of these times is less than http-timeout in kannel.conf. Otherwise smsbox would give up and repeat a
    # request that still waits here. An HTTP API itself answers within 30 s.
    proxy_connect_timeout 5s;
    proxy_send_timeout 5s;
    proxy_read_timeout 31s;
    proxy_next_upstream off;
    proxy_http_version 1.1;
    proxy_ssl_server_name on;
    proxy_ssl_name {host};
    proxy_ssl_protocols TLSv1.2 TLSv1.3;
    proxy_ssl_verify on;
    proxy_ssl_verify_depth 5;
    proxy_ssl_trusted_certificate {ca_file};

    location / {{
        return 404;
    }}
",
        listen = plan.sidecar_port,
        ca_file = plan.ca_file.display(),
    );
    for service in &plan.services {
        text.push_str(&location(plan, service, host, port)?);
    }
    text.push_str("}\n");
    text.push_str(&replies(plan)?);
    Ok(text)
}

const HEAD: &str = r"# The TLS sidecar between Kannel and the functions at
#   {host}
# on Kannel's own host, for nginx 1.18 or newer. `cargo run -- kannel-conf` writes this file. Put it into
# /etc/nginx/conf.d/ with chmod 600, because it contains tokens.
#
# smsbox sends no host name in its TLS handshake (SNI), but AWS needs it. And smsbox checks no certificate. So smsbox
# speaks plain HTTP to 127.0.0.1, and nginx speaks TLS from there. haproxy does the same, but it also keeps its
# connections open and lets requests wait in a queue; nginx opens a new connection for each request.

log_format threadless '$remote_addr [$time_local] $request_method $uri $status $request_time $upstream_response_time';
limit_conn_zone $server_port zone=threadless_in_flight:32k;
";

fn location(plan: &Plan, service: &Service, host: &str, port: u16) -> Result<String, String> {
    let authorization = match &service.token {
        None => String::new(),
        Some(token) => format!("\n        proxy_set_header Authorization \"{}\";", bearer(token)?),
    };
    Ok(format!(
        r#"
    location {path} {{
        # nginx answers 503 to further requests, and smsbox repeats them.
        limit_conn threadless_in_flight 50;
        proxy_set_header Host {host};
        proxy_set_header Connection "";{authorization}
        proxy_pass https://$threadless:{port};
    }}
"#,
        path = plan.path(service),
    ))
}

/// Returns the value of the header, in the form for a quoted string.
fn bearer(token: &Token) -> Result<String, String> {
    // nginx has no escape for the character `$`.
    if token.shown.contains('$') {
        return Err(format!(
            "{} contains a $, which a configuration of nginx cannot contain: use haproxy",
            token.variable
        ));
    }
    Ok(format!("Bearer {}", token.shown.replace('\\', "\\\\").replace('"', "\\\"")))
}

fn replies(plan: &Plan) -> Result<String, String> {
    let Some(front) = &plan.sendsms.front else { return Ok(String::new()) };
    let (guard, guards) = match &front.token {
        None => (String::new(), "a long password"),
        Some(token) => {
            let bearer = bearer(token)?;
            let guard = format!(
                "\n        if ($http_authorization != \"{bearer}\") {{\n            return 403;\n        }}\n        \
                 proxy_set_header Authorization \"\";"
            );
            (guard, "a token that only the functions know")
        }
    };
    Ok(format!(
        r"
# The replies: functions have no fixed address, so TLS and {guards} protect sendsms.
server {{
    listen {listen} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {certificate};
    ssl_protocols TLSv1.2 TLSv1.3;
    access_log /var/log/nginx/threadless.log threadless;
    error_log /var/log/nginx/threadless-error.log crit;
    large_client_header_buffers 4 16k;

    location / {{
        return 404;
    }}

    location = {path} {{{guard}
        limit_except GET {{
            deny all;
        }}
        # A reply that sendsms may have accepted is not repeated, because sendsms cannot recognise a repeat.
        proxy_next_upstream off;
        proxy_pass http://127.0.0.1:{port};
    }}
}}
",
        listen = front.port,
        certificate = front.certificate.display(),
        path = plan.sendsms.path,
        port = plan.sendsms.port,
    ))
}
