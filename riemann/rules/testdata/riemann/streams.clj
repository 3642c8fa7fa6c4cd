; A stand-in for Riemann's namespace of this name, with what sdwhy.clj uses of it.
(ns riemann.streams)

(defn call-rescue
  "Gives the event to each child. Riemann logs what one throws; a test should fail by it."
  [event children]
  (doseq [child children] (child event))
  true)
