{
	__sveltekit_ht0jv3 = {
		base: "/admin",
		assets: "/admin"
	};

	const element = document.currentScript.parentElement;

	Promise.all([
		import("/admin/_app/immutable/entry/start.CANDgYYT.js"),
		import("/admin/_app/immutable/entry/app.pW51CxZY.js")
	]).then(([kit, app]) => {
		kit.start(app, element);
	});
}
