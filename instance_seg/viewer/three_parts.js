// What the viewer takes from three.js. three.min.js is made of it, in a folder with a copy of this file, by
//   npm install three@0.187.0 esbuild@0.28.2 && npx esbuild three_parts.js --bundle --minify --format=iife \
//     --global-name=THREE --banner:js="/*! $(cat node_modules/three/LICENSE) */" --outfile=three.min.js
export {
  BufferAttribute, BufferGeometry, DataTexture, DoubleSide, GLSL3, Mesh, PerspectiveCamera, Points, Scene, ShaderMaterial,
  WebGLRenderer, WebGLRenderTarget,
} from "three"
export { OrbitControls } from "three/addons/controls/OrbitControls.js"
