//! Random operations on a small world, in which names and ids meet often. The same seed gives the same operations.

use uuid::Uuid;

use crate::{
    AdminId, AppId, AuditId, DomainId, LimitOverrides, RequestId, RouteId, ScriptId, SessionId, Slug,
    content_hash,
    store::{
        AdminRecord, AppRecord, AuditRecord, Change, Commit, DomainRecord, ExecutionRecord, RouteRecord,
        ScriptRecord, SessionRecord,
    },
    testing::row,
};

pub(super) const SLUGS: [&str; 4] = ["ant", "bee", "cat", "dog"];
const NAMES: [&str; 3] = ["main", "cart", "mail"];
const HOSTS: [&str; 4] = ["a.test", "b.test", "*.a.test", "*"];
const PATHS: [&str; 4] = ["/", "/x", "/y/:", "/z/*"];
const METHODS: [&str; 3] = ["GET", "PUT", "ANY"];
const USERS: [&str; 3] = ["ada", "bob", "eve"];

/// SplitMix64: small, and good enough to choose.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap_or(0)
    }

    pub(super) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    fn text(&mut self, from: &[&str]) -> String {
        self.pick(from).to_owned()
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    fn id<I: From<Uuid>>(&mut self) -> I {
        let (high, low) = (u128::from(self.next()), u128::from(self.next()));
        I::from(uuid::Builder::from_random_bytes((high << 64 | low).to_be_bytes()).into_uuid())
    }

    /// Mostly a known id, else one that nothing has.
    fn known<I: Copy + From<Uuid>>(&mut self, known: &[I]) -> I {
        if known.is_empty() || self.chance(20) { self.id() } else { self.pick(known) }
    }

    fn expected(&mut self) -> Option<u64> {
        self.chance(3).then(|| 1 + self.below(3) as u64)
    }
}

/// Every id that was ever made up.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    pub(super) apps: Vec<AppId>,
    pub(super) scripts: Vec<ScriptId>,
    pub(super) routes: Vec<RouteId>,
    pub(super) domains: Vec<DomainId>,
    pub(super) admins: Vec<AdminId>,
    pub(super) sessions: Vec<SessionId>,
}

impl Known {
    /// A commit of a few changes to any app, with or without a record.
    pub(super) fn commit(&mut self, dice: &mut Dice) -> Commit {
        let count = 1 + dice.below(3);
        let mut changes = Vec::new();
        for _ in 0..count {
            let change = if dice.chance(5) {
                self.identity(dice)
            } else {
                let app = dice.known(&self.apps);
                self.change(dice, app)
            };
            changes.push(change);
        }
        let audit = (0..dice.below(2)).map(|_| self.audit(dice)).collect();
        Commit { changes, audit }
    }

    pub(super) fn audit(&self, dice: &mut Dice) -> AuditRecord {
        let app = dice.chance(2).then(|| dice.known(&self.apps));
        AuditRecord { id: dice.id::<AuditId>(), app, ..row::audit("some.thing") }
    }

    /// A change that names `app`, and anything whatever beside it.
    pub(super) fn change(&mut self, dice: &mut Dice, app: AppId) -> Change {
        let expected = dice.expected();
        match dice.below(12) {
            0 => Change::CreateApp(self.app(dice)),
            1 => Change::UpdateApp { id: app, expected, slug: slug(dice), limits: limits(dice) },
            2 if dice.chance(3) => Change::DeleteApp { id: app, expected },
            2 | 3 => Change::ClaimDomain(self.domain(dice, app)),
            4 => Change::ReleaseDomain { app, id: dice.known(&self.domains) },
            5 => Change::CreateScript(self.script(dice, app)),
            6 | 7 => save(dice, app, self.scripts.clone(), expected),
            8 if dice.chance(2) => Change::DeleteScript { app, id: dice.known(&self.scripts), expected },
            8 | 9 => Change::CreateRoute(self.route(dice, app)),
            10 => self.update_route(dice, app, expected),
            _ => Change::DeleteRoute { app, id: dice.known(&self.routes), expected },
        }
    }

    fn identity(&mut self, dice: &mut Dice) -> Change {
        let expected = dice.expected();
        match dice.below(4) {
            0 => Change::CreateAdmin(self.admin(dice)),
            1 => Change::UpdateAdmin {
                id: dice.known(&self.admins),
                expected,
                username: dice.chance(2).then(|| dice.text(&USERS)),
                password_hash: dice.chance(3).then(|| format!("$argon2id${}", dice.below(9))),
                role: None,
                active: dice.chance(2).then(|| dice.chance(2)),
                keep: dice.chance(2).then(|| dice.known(&self.sessions)),
            },
            2 => Change::DeleteAdmin { id: dice.known(&self.admins), expected },
            _ => Change::SetSetting {
                key: dice.text(&NAMES),
                value: dice.chance(2).then(|| dice.below(9).to_string()),
                at: row::CREATED_AT,
            },
        }
    }

    pub(super) fn app(&mut self, dice: &mut Dice) -> AppRecord {
        let id = dice.id();
        self.apps.push(id);
        AppRecord { id, slug: slug(dice), ..row::app("x") }
    }

    pub(super) fn script(&mut self, dice: &mut Dice, app: AppId) -> ScriptRecord {
        let id = dice.id();
        self.scripts.push(id);
        let mut script = row::script(app, &dice.text(&NAMES), &dice.below(9).to_string());
        if dice.chance(10) {
            script.hash = [7; 32]; // Damaged.
        }
        ScriptRecord { id, limits: limits(dice), ..script }
    }

    fn domain(&mut self, dice: &mut Dice, app: AppId) -> DomainRecord {
        let id = dice.id();
        self.domains.push(id);
        DomainRecord { id, ..row::domain(app, &dice.text(&HOSTS)) }
    }

    fn route(&mut self, dice: &mut Dice, app: AppId) -> RouteRecord {
        let id = dice.id();
        self.routes.push(id);
        let script = ScriptRecord { id: dice.known(&self.scripts), ..row::script(app, "x", "") };
        RouteRecord { id, ..row::route(&script, &dice.text(&METHODS), &dice.text(&PATHS)) }
    }

    fn update_route(&mut self, dice: &mut Dice, app: AppId, expected: Option<u64>) -> Change {
        let (method, path) = (dice.text(&METHODS), dice.text(&PATHS));
        let (shape, enabled) = (path.clone(), dice.chance(2));
        let (id, script) = (dice.known(&self.routes), dice.known(&self.scripts));
        Change::UpdateRoute { app, id, expected, script, method, path, shape, enabled }
    }

    fn admin(&mut self, dice: &mut Dice) -> AdminRecord {
        let id = dice.id();
        self.admins.push(id);
        AdminRecord { id, active: !dice.chance(4), ..row::admin(&dice.text(&USERS)) }
    }

    pub(super) fn session(&mut self, dice: &mut Dice) -> SessionRecord {
        let id = dice.id();
        self.sessions.push(id);
        let mut token_hash = [0; 32];
        token_hash[..16].copy_from_slice(Uuid::from(dice.id::<SessionId>()).as_bytes());
        SessionRecord { id, token_hash, ..row::session(dice.known(&self.admins), 0) }
    }

    pub(super) fn execution(&self, dice: &mut Dice, app: AppId) -> ExecutionRecord {
        let script = ScriptRecord { id: dice.known(&self.scripts), ..row::script(app, "x", "") };
        ExecutionRecord { id: dice.id::<RequestId>(), ..row::execution(&script) }
    }
}

fn save(dice: &mut Dice, app: AppId, scripts: Vec<ScriptId>, expected: Option<u64>) -> Change {
    let (source, at) = (dice.below(9).to_string(), row::CREATED_AT + 1);
    let hash = content_hash(&source);
    let (id, name, limits) = (dice.known(&scripts), dice.text(&NAMES), limits(dice));
    Change::UpdateScript { app, id, expected, name, source, hash, limits, at, by: None }
}

fn slug(dice: &mut Dice) -> Slug {
    dice.pick(&SLUGS).parse().expect("these are slugs")
}

fn limits(dice: &mut Dice) -> LimitOverrides {
    let memory = dice.chance(4).then(|| 1 + dice.below(1 << 20) as u64);
    LimitOverrides { memory, ..LimitOverrides::default() }
}
