{
	__sveltekit_2kdrz2 = {
		base: "/admin",
		assets: "/admin"
	};

	const element = document.currentScript.parentElement;

	Promise.all([
		import("/admin/_app/immutable/entry/start.5w0AG_UF.js"),
		import("/admin/_app/immutable/entry/app.D1L7ZcjP.js")
	]).then(([kit, app]) => {
		kit.start(app, element);
	});
}
