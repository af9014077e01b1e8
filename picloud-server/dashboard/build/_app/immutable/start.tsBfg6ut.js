{
	__sveltekit_1oyhbso = {
		base: "/admin",
		assets: "/admin"
	};

	const element = document.currentScript.parentElement;

	Promise.all([
		import("/admin/_app/immutable/entry/start.Dn6OiPGJ.js"),
		import("/admin/_app/immutable/entry/app.C2HL70C8.js")
	]).then(([kit, app]) => {
		kit.start(app, element);
	});
}
