//! Which listener answers with what: scripts and control plane on one, or each on its own.

use std::{net::SocketAddr, sync::Arc};

use axum::Router;
use picloud::{Host, Orchestrator, manager::Manager, recorder::Recorder};
use picloud_server::front::Connections;
use tokio::net::TcpListener;

use crate::{
    Exit,
    config::Settings,
    dispatch::{Dispatch, Side},
    metrics::{Gauges, Metrics},
    run::{self, Door},
};

/// The listening sockets. Bound first, so that a second server fails before it touches the database.
pub(crate) struct Listeners {
    data: TcpListener,
    admin: Option<TcpListener>,
}

/// What stands behind the doors.
pub(crate) struct Inside {
    pub(crate) health: Router,
    /// Admin API and dashboard.
    pub(crate) control: Router,
    pub(crate) scripts: Orchestrator,
    pub(crate) metrics: Metrics,
    /// Knows who may see the metrics.
    pub(crate) manager: Manager,
    /// Has figures of its own.
    pub(crate) recorder: Recorder,
}

impl Listeners {
    /// Binds the addresses.
    ///
    /// # Errors
    /// One is in use, not ours or not allowed.
    pub(crate) fn bind(settings: &Settings) -> Result<Self, Exit> {
        Ok(Self {
            data: run::bind(settings.listen)?,
            admin: settings.admin_listen.map(run::bind).transpose()?,
        })
    }

    /// Where scripts answer.
    pub(crate) fn address(&self) -> std::io::Result<SocketAddr> {
        self.data.local_addr()
    }

    /// Where the control plane answers, if apart.
    pub(crate) fn admin_address(&self) -> std::io::Result<Option<SocketAddr>> {
        self.admin.as_ref().map(TcpListener::local_addr).transpose()
    }

    /// The doors, in the order in which they close.
    pub(crate) fn doors(self, settings: &Settings, inside: Inside) -> Vec<Door<Dispatch>> {
        let Inside { health, control, scripts, metrics, manager, recorder } = inside;
        let hosts: Arc<[Host]> = settings.admin_hosts.clone().into();
        let connections = || Connections::new(settings.connections.clone());
        let door = |listener, connections, side, control: Router, scripts: &Orchestrator| {
            let dispatch = Dispatch { side, health: health.clone(), control, scripts: scripts.clone() };
            Door::new(listener, dispatch, settings.front.clone(), connections)
        };
        let (data, admin) = (connections(), connections());
        let mut listeners = vec![("data", data.clone())];
        let Some(listener) = self.admin else {
            let gauges = Gauges { scripts: scripts.clone(), listeners, recorder };
            let side = if hosts.is_empty() { Side::Shared } else { Side::ByHost(hosts) };
            let control = control.merge(metrics.guarded_router(gauges, manager));
            return vec![door(self.data, data, side, control, &scripts)];
        };
        listeners.push(("admin", admin.clone()));
        let gauges = Gauges { scripts: scripts.clone(), listeners, recorder };
        let control = control.merge(metrics.router(gauges));
        vec![
            door(listener, admin, Side::Control(hosts.clone()), control, &scripts),
            door(self.data, data, Side::Data(hosts), Router::new(), &scripts),
        ]
    }
}
