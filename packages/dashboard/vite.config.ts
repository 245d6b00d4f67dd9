import { defineConfig } from 'vite';

export default defineConfig({
  root: 'src',
  // The page may lie under a path of a reverse proxy: nothing that it asks for begins with a slash.
  base: './',
  // Nothing inline: the page's Content-Security-Policy allows only what the server sends as files.
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: false,
    target: 'es2022',
    reportCompressedSize: false,
  },
});
