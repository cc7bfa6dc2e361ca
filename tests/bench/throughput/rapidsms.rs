//! RapidSMS 2.2 with its echo handler, as its documentation deploys it: gunicorn with two workers, SQLite.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use tests::ports::free_port;

use crate::gateway::Gateway;
use crate::subject::Subject;

/// A project with one backend and one handler. It keeps backends, connections and contacts, and no messages.
const SETTINGS: &str = r#"
import os
SECRET_KEY = "measured"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3", "OPTIONS": {"timeout": 60}}}
INSTALLED_APPS = [
    "django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "django.contrib.messages",
    "django.contrib.sites", "django_tables2", "selectable",
    "rapidsms", "rapidsms.backends.kannel", "rapidsms.contrib.handlers", "rapidsms.contrib.echo",
]
SITE_ID = 1
MIDDLEWARE = []
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
}]
INSTALLED_BACKENDS = {"kannel-backend": {
    "ENGINE": "rapidsms.backends.kannel.KannelBackend",
    "sendsms_url": os.environ["SENDSMS_URL"],
    "sendsms_params": {"username": "u", "password": "p"},
}}
RAPIDSMS_HANDLERS = ["rapidsms.contrib.echo.handlers.echo.EchoHandler"]
LOGGING_CONFIG = None
"#;

const URLS: &str = r#"
from django.urls import path
from rapidsms.backends.kannel.views import KannelBackendView
urlpatterns = [path("backend/kannel-backend/", KannelBackendView.as_view(backend_name="kannel-backend"))]
"#;

/// Starts it out of an environment in which it is installed.
pub(crate) fn start(venv: &Path, gateway: &Gateway) -> Result<Subject> {
    let bin = std::fs::canonicalize(venv.join("bin")).with_context(|| venv.display().to_string())?;
    let (folder, port) = (TempDir::new()?, free_port()?);
    std::fs::write(folder.path().join("settings.py"), SETTINGS)?;
    std::fs::write(folder.path().join("urls.py"), URLS)?;
    let environment = |command: &mut Command| {
        command.current_dir(folder.path()).envs([
            ("DJANGO_SETTINGS_MODULE", "settings".to_owned()),
            ("PYTHONPATH", ".".to_owned()),
            ("SENDSMS_URL", gateway.url()),
        ]);
    };
    let mut migrate = Command::new(bin.join("python"));
    environment(&mut migrate);
    ensure!(migrate.args(["-m", "django", "migrate", "-v0"]).status()?.success(), "the migrations failed");
    let mut command = Command::new(bin.join("gunicorn"));
    environment(&mut command);
    let address = format!("127.0.0.1:{port}");
    command.args(["--workers", "2", "--bind", &address, "--log-level", "warning"]);
    command.arg("django.core.wsgi:get_wsgi_application()");
    Subject::start("RapidSMS 2.2, SQLite", port, "/backend/kannel-backend/", folder, &mut command)
}
