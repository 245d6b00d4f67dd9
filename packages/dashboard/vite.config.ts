import { defineConfig } from 'vite';

export default defineConfig({
  root: 'src',
  // The page may be served under a path of a reverse proxy, so none of its URLs may begin with a
  // slash.
  base: './',
  // Nothing is inlined, because the page's Content-Security-Policy allows only files.
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: false,
    target: 'es2022',
    reportCompressedSize: false,
  },
});
