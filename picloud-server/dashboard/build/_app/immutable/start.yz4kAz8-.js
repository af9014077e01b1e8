{
	__sveltekit_vuc8k0 = {
		base: "/admin",
		assets: "/admin"
	};

	const element = document.currentScript.parentElement;

	Promise.all([
		import("/admin/_app/immutable/entry/start.CjJy9LR5.js"),
		import("/admin/_app/immutable/entry/app.CA9TpRyW.js")
	]).then(([kit, app]) => {
		kit.start(app, element);
	});
}
