{
	__sveltekit_1ju2s4q = {
		base: "/admin",
		assets: "/admin"
	};

	const element = document.currentScript.parentElement;

	Promise.all([
		import("/admin/_app/immutable/entry/start.DSyogDO8.js"),
		import("/admin/_app/immutable/entry/app.C3U8I2QN.js")
	]).then(([kit, app]) => {
		kit.start(app, element);
	});
}
