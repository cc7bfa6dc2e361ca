//! A port that is open before its server is known. It passes connections on once there is a server.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Result;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The open port. It closes when this is dropped.
pub struct Forward {
    address: SocketAddr,
    target: Arc<watch::Sender<Option<SocketAddr>>>,
    _tasks: JoinSet<()>,
}

impl Forward {
    /// Opens a free port. Connections wait there until there is a target.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let target = Arc::new(watch::Sender::new(None));
        let mut tasks = JoinSet::new();
        let targets = Arc::clone(&target);
        tasks.spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(hand_on(near, targets.subscribe()));
            }
        });
        Ok(Self { address, target, _tasks: tasks })
    }

    /// Returns the address of the port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the target of all connections from now on.
    pub fn to(&self, target: SocketAddr) {
        self.target.send_replace(Some(target));
    }
}

async fn hand_on(mut near: TcpStream, mut targets: watch::Receiver<Option<SocketAddr>>) {
    let target = targets.wait_for(Option::is_some).await.ok().and_then(|target| *target);
    let Some(target) = target else { return };
    if let Ok(mut far) = TcpStream::connect(target).await {
        // The copy ends when either side closes.
        let _ = copy_bidirectional(&mut near, &mut far).await;
    }
}
