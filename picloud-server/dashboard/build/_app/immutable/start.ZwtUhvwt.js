{
	__sveltekit_yb7nlz = {
		base: "/admin",
		assets: "/admin"
	};

	const element = document.currentScript.parentElement;

	Promise.all([
		import("/admin/_app/immutable/entry/start.fkb-TPop.js"),
		import("/admin/_app/immutable/entry/app.CStCkJRu.js")
	]).then(([kit, app]) => {
		kit.start(app, element);
	});
}
