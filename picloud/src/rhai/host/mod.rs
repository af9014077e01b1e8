//! Functions, constants and types that the embedding program gives to scripts.

use std::{collections::HashSet, sync::Arc};

use rhai::{Dynamic, Engine, FuncRegistration, Module};

mod call;
mod function;
mod value;

use self::function::{Erased, Names, refusing};
pub use self::{
    call::CallContext,
    function::{AsyncFunction, HostFunction, HostMethod},
    value::{HostAnswer, HostError, ScriptType, ScriptValue},
};
use crate::{Definition, DefinitionKind};

/// A named set of Rust functions that scripts call as `name::function(…)`.
///
/// ```
/// use picloud::HostModule;
///
/// let lights = HostModule::new("lights")
///     .doc("The lights of the house.")
///     .function("count()", || 3)
///     .async_function("level(room)", |room: String| async move {
///         // Any future: a database, a socket, a timer. No thread waits with it.
///         if room == "hall" { Ok(80) } else { Err(format!("no room called {room}")) }
///     })
///     .doc("How bright a room is, from 0 to 100.");
/// ```
///
/// Functions are named with their parameters, which errors, editors and documentation then tell. What is wrong with a
/// module itself (a reserved word as a name, a parameter too many) is an error of [`AppBuilder::build`] and of
/// [`RhaiExecutorBuilder::build`].
///
/// [`AppBuilder::build`]: crate::AppBuilder::build
/// [`RhaiExecutorBuilder::build`]: crate::RhaiExecutorBuilder::build
#[must_use]
#[derive(Clone)]
pub struct HostModule {
    name: String,
    doc: String,
    capability: Option<String>,
    items: Vec<Item>,
}

/// One thing in a module.
#[derive(Clone)]
struct Item {
    name: String,
    doc: String,
    what: What,
}

#[derive(Clone)]
enum What {
    Function(Callable),
    Constant { kind: String, value: Dynamic },
    Type(fn(&mut Module)),
    Method { owner: &'static str, callable: Callable },
    Property { owner: &'static str, callable: Callable },
}

#[derive(Clone)]
struct Callable {
    /// Names of the parameters; none where only the function was named.
    parameters: Option<Vec<String>>,
    erased: Erased,
}

impl HostModule {
    /// An empty module. `name` is what stands before `::` in scripts.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), doc: String::new(), capability: None, items: Vec::new() }
    }

    /// Describes what was added last, or the module itself where nothing has been added yet. Markdown.
    pub fn doc(mut self, text: impl Into<String>) -> Self {
        *self.items.last_mut().map_or(&mut self.doc, |item| &mut item.doc) = text.into();
        self
    }

    /// Keeps the module from apps that have not been granted `capability`: their calls fail, and `definitions` do not
    /// tell of it. Without this every app has it.
    pub fn capability(mut self, capability: impl Into<String>) -> Self {
        self.capability = Some(capability.into());
        self
    }

    /// Adds a function that answers at once; `signature` is its name with those of its parameters: `set(room, on)`. It
    /// runs on the request's worker thread: what takes longer than some microseconds belongs into
    /// [`async_function`](Self::async_function).
    ///
    /// Up to six [`ScriptValue`]s, before them a [`CallContext`] where the closure asks for one, and a value or a
    /// `Result`.
    pub fn function<Args>(self, signature: &str, function: impl HostFunction<Args>) -> Self {
        self.callable(signature, function.erase(), What::Function)
    }

    /// Adds a function that gives a future. The script waits for it as for any call, but holds no thread meanwhile.
    ///
    /// When the run is cancelled or its time is up, the future is dropped.
    pub fn async_function<Args>(self, signature: &str, function: impl AsyncFunction<Args>) -> Self {
        self.callable(signature, function.erase(), What::Function)
    }

    /// Adds a value that does not change, as `name::NAME`.
    pub fn constant<T: ScriptValue>(self, name: &str, value: T) -> Self {
        let what = What::Constant { kind: T::type_name(), value: value.into_script() };
        self.item(name, what)
    }

    /// Tells of a type of yours. Scripts get its values from functions.
    pub fn custom_type<T: ScriptType>(self) -> Self {
        fn declare<T: ScriptType>(module: &mut Module) {
            module.set_custom_type::<T>(T::NAME);
        }
        self.item(T::NAME, What::Type(declare::<T>))
    }

    /// Adds a method of a type of yours: `light.dim(20)`.
    pub fn method<T: ScriptType, Args>(self, signature: &str, method: impl HostMethod<T, Args>) -> Self {
        let make = |callable| What::Method { owner: T::NAME, callable };
        self.callable(signature, method.erase(), make)
    }

    /// Adds a part of a type of yours that scripts can read: `light.level`.
    pub fn property<T: ScriptType, R: HostAnswer>(
        self,
        name: &str,
        read: impl Fn(&T) -> R + Send + Sync + 'static,
    ) -> Self {
        let erased = HostMethod::<T, ()>::erase(move |value: &mut T| read(value));
        let make = |callable| What::Property { owner: T::NAME, callable };
        self.callable(name, erased, make)
    }

    fn callable(self, signature: &str, erased: Erased, what: impl FnOnce(Callable) -> What) -> Self {
        let (name, parameters) = parse(signature);
        self.item(name, what(Callable { parameters, erased }))
    }

    fn item(mut self, name: &str, what: What) -> Self {
        self.items.push(Item { name: name.to_owned(), doc: String::new(), what });
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What an app needs to use it.
    pub(super) fn needs(&self) -> Option<&str> {
        self.capability.as_deref()
    }

    /// The module for an app that may use it.
    pub(super) fn open(&self) -> Module {
        let mut module = Module::new();
        for item in &self.items {
            self.add(&mut module, item);
        }
        module
    }

    fn add(&self, module: &mut Module, item: &Item) {
        let name = item.name.as_str();
        match &item.what {
            What::Function(callable) => {
                let called = format!("{}::{name}", self.name);
                callable.add(module, FuncRegistration::new(name).with_purity(true), called);
            }
            What::Constant { value, .. } => {
                module.set_var(name, value.clone());
            }
            What::Type(declare) => declare(module),
            What::Method { owner, callable } => {
                let registration = FuncRegistration::new(name).in_global_namespace().with_purity(false);
                callable.add(module, registration, format!("{owner}.{name}"));
            }
            What::Property { owner, callable } => {
                let registration = FuncRegistration::new_getter(name).with_purity(true);
                callable.add(module, registration, format!("{owner}.{name}"));
            }
        }
    }

    /// The module for an app that may not use it: its functions say so.
    pub(super) fn withheld(&self) -> Module {
        let mut module = Module::new();
        let capability = self.capability.as_deref().unwrap_or_default();
        for item in &self.items {
            if let What::Function(Callable { erased, .. }) = &item.what {
                let why = format!("{}::{}: this app was not granted `{capability}`", self.name, item.name);
                let registration = FuncRegistration::new(&item.name).with_purity(true);
                let names = Arc::new(Names { function: String::new(), parameters: Vec::new() });
                refusing(erased.types.len(), why)(&mut module, registration, names);
            }
        }
        module
    }

    /// The module and what is in it, for editors.
    pub(super) fn definitions(&self) -> impl Iterator<Item = Definition> {
        let module = Definition::new(DefinitionKind::Module, &self.name, &self.name, &self.doc);
        let items = self.items.iter().map(|item| item.definition(&self.name));
        std::iter::once(module)
            .chain(items)
            .map(|definition| Definition { capability: self.capability.clone(), ..definition })
    }

    /// What is wrong with the module, each with what to do.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !is_callable(&format!("{}::f()", self.name)) {
            problems.push(format!("module `{}`: {NO_NAME}", self.name));
            return problems;
        }
        let mut seen = HashSet::new();
        for item in &self.items {
            problems.extend(item.problem().map(|problem| format!("{}::{}: {problem}", self.name, item.name)));
            if !seen.insert(item.key()) {
                problems.push(format!("{}::{}: is there twice", self.name, item.name));
            }
        }
        problems
    }
}

/// What is wrong with a set of modules.
pub(super) fn problems(modules: &[HostModule]) -> Vec<String> {
    let mut seen = HashSet::from(OWN_NAMES);
    let mut problems = Vec::new();
    for module in modules {
        problems.extend(module.problems());
        if !seen.insert(&module.name) {
            problems.push(format!("module `{}`: there is one of this name already", module.name));
        }
    }
    problems
}

/// Modules that every script has, or that the engine reserves.
const OWN_NAMES: [&str; 10] =
    ["log", "json", "base64", "hex", "url", "crypto", "time", "text", "global", super::source::MODULE];

const NO_NAME: &str = "scripts cannot call this; a name has ASCII letters, digits and `_`, starts with no digit, and is no \
                       reserved word of Rhai such as `new`, `match`, `spawn` or `sync`";

/// Whether the engine takes `expression`, in which a name stands.
fn is_callable(expression: &str) -> bool {
    Engine::new_raw().compile_expression(expression).is_ok()
}

/// `set(room, on)` is `set` and its parameters.
fn parse(signature: &str) -> (&str, Option<Vec<String>>) {
    let Some((name, rest)) = signature.split_once('(') else { return (signature.trim(), None) };
    let list = rest.trim().strip_suffix(')').unwrap_or(rest);
    let names = list.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    (name.trim(), Some(names.collect()))
}

impl Callable {
    fn parameters(&self) -> Vec<String> {
        let numbered = || (1..=self.erased.types.len()).map(|number| format!("argument {number}")).collect();
        self.parameters.clone().unwrap_or_else(numbered)
    }

    fn add(&self, module: &mut Module, registration: FuncRegistration, function: String) {
        (self.erased.add)(module, registration, Arc::new(Names { function, parameters: self.parameters() }));
    }

    /// `(room: string, on: bool) -> bool`.
    fn shape(&self) -> String {
        let types = self.erased.types.iter();
        let list: Vec<_> = match &self.parameters {
            Some(names) => names.iter().zip(types).map(|(name, kind)| format!("{name}: {kind}")).collect(),
            None => types.cloned().collect(),
        };
        let returns = match self.erased.returns.as_str() {
            "()" => String::new(),
            returns => format!(" -> {returns}"),
        };
        format!("({}){returns}", list.join(", "))
    }
}

impl Item {
    fn definition(&self, module: &str) -> Definition {
        let name = &self.name;
        let (kind, name, rest) = match &self.what {
            What::Function(callable) => {
                (DefinitionKind::Function, format!("{module}::{name}"), callable.shape())
            }
            What::Constant { kind, .. } => {
                (DefinitionKind::Constant, format!("{module}::{name}"), format!(": {kind}"))
            }
            What::Type(_) => (DefinitionKind::Type, name.clone(), String::new()),
            What::Method { owner, callable } => {
                (DefinitionKind::Method, format!("{owner}.{name}"), callable.shape())
            }
            What::Property { owner, callable } => {
                let kind = format!(": {}", callable.erased.returns);
                (DefinitionKind::Property, format!("{owner}.{name}"), kind)
            }
        };
        let signature = format!("{name}{rest}");
        Definition::new(kind, name, signature, &self.doc)
    }

    /// What may be there once only: functions may differ in the number of arguments.
    fn key(&self) -> (&'static str, &str, usize) {
        match &self.what {
            What::Function(callable) => ("", &self.name, callable.erased.types.len()),
            What::Method { owner, callable } => (owner, &self.name, callable.erased.types.len()),
            What::Property { owner, .. } => (owner, &self.name, usize::MAX),
            What::Constant { .. } | What::Type(_) => ("", &self.name, usize::MAX),
        }
    }

    fn problem(&self) -> Option<String> {
        let name = &self.name;
        let (called, callable) = match &self.what {
            What::Function(callable) => (format!("m::{name}()"), Some(callable)),
            What::Method { callable, .. } => (format!("1.{name}()"), Some(callable)),
            What::Property { .. } => (format!("1.{name}"), None),
            What::Constant { .. } => (format!("m::{name}"), None),
            What::Type(_) => return None,
        };
        if !is_callable(&called) {
            return Some(NO_NAME.to_owned());
        }
        let callable = callable?;
        let (told, takes) = (callable.parameters.as_ref()?.len(), callable.erased.types.len());
        let differs = told != takes;
        differs.then(|| format!("its signature names {told} parameters, and the function takes {takes}"))
    }
}
