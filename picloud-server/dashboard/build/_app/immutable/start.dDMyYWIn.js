{
	__sveltekit_88su4z = {
		base: "/admin",
		assets: "/admin"
	};

	const element = document.currentScript.parentElement;

	Promise.all([
		import("/admin/_app/immutable/entry/start.CSq1voqw.js"),
		import("/admin/_app/immutable/entry/app.CxOAbOHt.js")
	]).then(([kit, app]) => {
		kit.start(app, element);
	});
}
