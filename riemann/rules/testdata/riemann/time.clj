; A stand-in for Riemann's namespace of this name, with what sdwhy.clj uses of it: a clock
; that stands still until a test moves it.
(ns riemann.time)

(def clock (atom 0))
(def tasks (atom []))

(defn unix-time [] @clock)

(defn once! [t f] (swap! tasks conj [t f]))

(defn advance!
  "Moves the clock to t, and does on the way what is due."
  [t]
  (doseq [[due f :as task] (sort-by first (filter #(<= (first %) t) @tasks))]
    (swap! tasks (partial remove #{task}))
    (swap! clock max due)
    (f))
  (swap! clock max t))

(defn reset-time! []
  (reset! clock 0)
  (reset! tasks []))
