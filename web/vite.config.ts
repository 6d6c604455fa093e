import { defineConfig } from "vite";

// The page is served from wherever the program puts it, so its files name each other relatively.
// The server lets files whose name holds a hash be cached for ever.
export default defineConfig({
	base: "./",
	build: {
		target: "es2021",
		outDir: "dist",
		emptyOutDir: true,
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		rollupOptions: {
			output: {
				entryFileNames: "assets/[name]-[hash].js",
				chunkFileNames: "assets/[name]-[hash].js",
				assetFileNames: "assets/[name]-[hash][extname]",
			},
		},
	},
	server: {
		proxy: { "/api": "http://127.0.0.1:8080" },
	},
});
